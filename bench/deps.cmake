# What the benchmarks need beyond the library.
find_package(benchmark REQUIRED)
target_link_libraries(${bench_target} PRIVATE benchmark::benchmark)
