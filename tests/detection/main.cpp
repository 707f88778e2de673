// doctor_detection: how well the detectors judge, on clusters that were drawn. See README.md here.
#include <malloc.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <new>
#include <string>

#include "tests/detection/bench.hpp"
#include "tests/detection/options.hpp"
#include "tests/detection/report.hpp"

namespace {

thread_local bool counting_freed = false;
thread_local std::uint64_t freed = 0;

void give_back(void* memory) noexcept {
  if (counting_freed) freed += malloc_usable_size(memory);
  std::free(memory);
}

std::uint64_t count_freed(const std::function<void()>& work) {
  freed = 0;
  counting_freed = true;
  work();
  counting_freed = false;
  return freed;
}

}  // namespace

void* operator new(std::size_t size) {
  if (void* memory = std::malloc(std::max<std::size_t>(1, size))) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { give_back(memory); }
void operator delete(void* memory, std::size_t) noexcept { give_back(memory); }

namespace doctor::detection {
namespace {

int fail(const Error& error) {
  std::cerr << "doctor_detection: " << error.message << '\n';
  return 2;
}

int gate(const Options& options, const BenchResult& result) {
  if (!options.write_baseline.empty()) {
    const Status written = write_baseline(options.write_baseline, result);
    return written ? 0 : fail(written.error());
  }
  if (options.baseline.empty()) return 0;
  const Status status = compare_with_baseline(options.baseline, result);
  std::cerr << (status ? "no regression against " : "regression against ") << options.baseline
            << (status ? "" : ": " + status.error().message) << '\n';
  return status ? 0 : 1;
}

int run(int argc, const char* const* argv) {
  const Result<Options> parsed = parse_options({argv + 1, argv + argc});
  if (!parsed) return fail(parsed.error());
  const Options& options = *parsed;
  if (options.help) {
    std::cout << kUsage;
    return 0;
  }
  if (options.print_ranges) {
    options.json ? print_ranges_json(options.bench, std::cout)
                 : print_ranges(options.bench, std::cout);
    return 0;
  }
  freed_bytes = count_freed;
  const BenchResult result = run_bench(options.bench);
  if (options.json) {
    print_json(options.bench, result, std::cout);
  } else {
    print_text(options.bench, result, std::cout);
  }
  return gate(options, result);
}

}  // namespace
}  // namespace doctor::detection

int main(int argc, char** argv) {
  try {
    return doctor::detection::run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "doctor_detection: %s\n", error.what());
    return 2;
  }
}
