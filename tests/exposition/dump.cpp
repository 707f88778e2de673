// doctor_exposition_dump: what our reader makes of files, for tests/exposition/run.py.
//   FILE...       of each a line "= SAMPLES FAULTS" and the samples in order
//   --synthetic   the body of the benches
// Each is read whole; then again in windows by a sink that knows the series of the first time, as
// the agent reads: what it takes at sight must be the same.
#include <cstdio>
#include <fstream>
#include <iterator>
#include <map>
#include <stdexcept>

#include "bench/flink_body.hpp"
#include "model/limits.hpp"
#include "tests/exposition/recorder.hpp"

namespace doctor::exposition {
namespace {

constexpr std::size_t kWindowBytes = 1000;

/// Takes series that it knows from before by their bytes, and expects them in the same order.
class Knowing final : public Recorder {
 public:
  std::size_t expected_bytes() override {
    return at_ < in_order_.size() ? in_order_[at_].size() : 0;
  }
  bool known(std::string_view series, double value) override {
    wire_ = series;
    const auto found = memory_.find(series);
    if (found == memory_.end()) return false;
    if (again_) at_ = found->second.at + 1;
    samples.push_back(with_bits(found->second.series, value));
    return true;
  }
  void sample(std::string_view name, std::span<const Label> labels, double value) override {
    Recorder::sample(name, labels, value);
    memory_.emplace(wire_, Seen{written(name, labels), in_order_.size()});
    in_order_.push_back(wire_);
  }
  void once_more() {
    samples.clear();
    again_ = true;
  }

 private:
  struct Seen {
    std::string series;
    std::size_t at;
  };
  std::map<std::string, Seen, std::less<>> memory_;  // by their bytes
  std::vector<std::string> in_order_;
  std::size_t at_{0};
  bool again_{false};
  std::string wire_;
};

ReaderStats read(Sink& sink, std::string_view body, std::size_t window) {
  Reader reader(sink, Limits{}.reporter_line_bytes_max);
  for (std::size_t at = 0; at < body.size(); at += window) reader.feed(body.substr(at, window));
  reader.finish();
  return reader.stats();
}

void dump(const char* path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error(std::string(path) + " cannot be read");
  const std::string body(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>{});
  Recorder whole;
  const ReaderStats stats = read(whole, body, body.size() + 1);
  Knowing knowing;
  read(knowing, body, kWindowBytes);
  knowing.once_more();
  read(knowing, body, kWindowBytes);
  if (knowing.samples != whole.samples) {
    throw std::runtime_error(std::string(path) + ": known series are read otherwise");
  }
  std::printf("= %llu %llu\n", static_cast<unsigned long long>(stats.samples),
              static_cast<unsigned long long>(stats.faults_total()));
  for (const std::string& sample : whole.samples) std::printf("%s\n", sample.c_str());
}

}  // namespace
}  // namespace doctor::exposition

int main(int argc, char** argv) {
  try {
    for (const char* argument : std::span(argv, static_cast<std::size_t>(argc)).subspan(1)) {
      if (std::string_view(argument) == "--synthetic") {
        std::fputs(doctor::bench::flink_body({}, 0).c_str(), stdout);
      } else {
        doctor::exposition::dump(argument);
      }
    }
  } catch (const std::exception& fault) {
    std::fprintf(stderr, "%s\n", fault.what());
    return 1;
  }
  return 0;
}
