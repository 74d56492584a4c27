# Two threads that wait for each other on a machine that may be busy.
set(test_timeout 300)
