# Some seconds of CPU each, on a machine that may be busy.
set(test_timeout 300)
set(test_cost 10)
