// What must hold for any body: reading it whole, in any windows, line by line with a fresh reader
// each, or with series known from before gives the same samples; short decimals are read as strtod
// reads them.
#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cstdlib>
#include <map>
#include <random>
#include <sstream>

#include "collectors/exposition/reader.hpp"
#include "collectors/exposition/value.hpp"

namespace doctor::exposition {
namespace {

constexpr std::size_t kLineBytesMax = 200;

std::string written(std::string_view name, std::span<const Label> labels) {
  std::string text(name);
  for (const Label& label : labels) {
    text.append("|").append(label.name).append("=").append(label.value);
  }
  return text;
}

/// Writes samples down; with a memory, takes what it was given before without its labels.
class Recorder final : public Sink {
 public:
  explicit Recorder(std::map<std::string, std::string, std::less<>>* memory = nullptr)
      : memory_(memory) {}
  bool wants(std::string_view name) override { return name.find("no") == std::string_view::npos; }
  /// Any of the series seen before, so often the right one, mostly a wrong one.
  std::size_t expected_bytes() override {
    if (memory_ == nullptr || memory_->empty()) return 0;
    return std::next(memory_->begin(), static_cast<long>(samples.size() % memory_->size()))
        ->first.size();
  }
  bool known(std::string_view series, double value) override {
    if (memory_ == nullptr) return false;
    raw_ = series;
    const auto found = memory_->find(series);
    if (found == memory_->end()) return false;
    ++taken_at_sight;
    samples.emplace_back(found->second, std::bit_cast<std::uint64_t>(value));
    return true;
  }
  void sample(std::string_view name, std::span<const Label> labels, double value) override {
    samples.emplace_back(written(name, labels), std::bit_cast<std::uint64_t>(value));
    if (memory_ != nullptr) memory_->emplace(raw_, samples.back().first);
  }
  std::vector<std::pair<std::string, std::uint64_t>> samples;
  std::size_t taken_at_sight{0};

 private:
  std::map<std::string, std::string, std::less<>>* memory_;
  std::string raw_;
};

/// Lines of few families in any order: good, broken, unwanted, without comments before them.
std::string random_body(std::mt19937& random, std::size_t lines) {
  constexpr std::array kNames{"a", "a_count", "ab", "no", "no_a", "noa", "a_no", "b:c"};
  constexpr std::array kLabels{"",
                               "{}",
                               "{x=\"1\",}",
                               "{x=\"2\"}",
                               " { x = \"1\" , y=\"}\" } ",
                               "{x=\"a\\\"}\\\\\",y=\"no 5\",}",
                               "{x=\"1\"",
                               "{x=\"1\",x=\"2\"}",
                               "{x=\"\xC3\xA9#\"}",
                               "{x=\"\xC3\"}",
                               "{x=\"\\q\"}",
                               "{x=\"0123456789abcdef0123456789abcdef\",y=\"\",}",
                               "{x=\"0123456789abcdef012\\n456789ab\",y=\"0123456789abcdef\"}",
                               "{x=\"0123456789abcdef0123456789a\xC3\xA9\"}"};
  constexpr std::array kTails{" 0.0",
                              " 1.5E7",
                              "\t-9.223372036854776E18  ",
                              " NaN 1700000000000",
                              " 1 2 3",
                              " one",
                              "",
                              " 7} 8",
                              "3",
                              " +Inf\r"};
  const auto any = [&](const auto& of) { return std::string(of[random() % of.size()]); };
  std::string body;
  for (std::size_t i = 0; i < lines; ++i) {
    const std::string name = any(kNames);
    switch (random() % 12) {
      case 0:
        body += "# HELP " + name + " some\\n text with # and {x=\"1\"} 4";
        break;
      case 1:
        body += "# TYPE " + name + " gauge";
        break;
      case 2:
        body += any(std::array{"", "#", "  ", "# EOF", "\r", "no#", "#no", "1a 1", "no{\x01\xff"});
        break;
      case 3:
        body += name + std::string(random() % (2 * kLineBytesMax), 'z');
        break;
      default:
        body += any(std::array{"", "", "", " ", "\t"}) + name + any(kLabels) + any(kTails);
    }
    body += "\n";
  }
  if (random() % 2 == 0) body.pop_back();
  return body;
}

ReaderStats read(Recorder& into, std::string_view body, std::size_t window,
                 PlainEnd plain_end = best_plain_end()) {
  Reader reader(into, kLineBytesMax, plain_end);
  for (std::size_t at = 0; at < body.size(); at += window) {
    const std::string copy(body.substr(at, window));
    reader.feed(copy);
  }
  reader.finish();
  return reader.stats();
}

TEST(ExpositionProperty, ReadsAnyBodyAsLineByLine) {
  std::mt19937 random(1);
  std::uint64_t samples = 0, skipped = 0, faults = 0;
  for (int round = 0; round < 300; ++round) {
    const std::string body = random_body(random, 60);
    Recorder alone;
    ReaderStats expected;
    std::istringstream lines(body);
    for (std::string line; std::getline(lines, line);) {
      const ReaderStats one = read(alone, line, kLineBytesMax * 3);
      expected.lines += one.lines;
      expected.samples += one.samples;
      expected.skipped += one.skipped;
      for (const auto& [fault, count] : one.faults) expected.faults[fault] += count;
    }
    for (const std::size_t window :
         {std::size_t{1}, std::size_t{7}, std::size_t{64}, body.size()}) {
      Recorder together;
      // Line by line it was read with the vectors of this machine.
      const ReaderStats stats =
          read(together, body, window, window % 2 == 0 ? best_plain_end() : portable_plain_end);
      ASSERT_EQ(together.samples, alone.samples) << body;
      ASSERT_EQ(stats.lines, expected.lines) << body;
      ASSERT_EQ(stats.samples, expected.samples) << body;
      ASSERT_EQ(stats.skipped, expected.skipped) << body;
      ASSERT_EQ(stats.faults, expected.faults) << body;
    }
    samples += expected.samples;
    skipped += expected.skipped;
    faults += expected.faults_total();
  }
  EXPECT_GT(samples, 1000U);
  EXPECT_GT(skipped, 1000U);
  EXPECT_GT(faults, 1000U);
}

TEST(ExpositionProperty, KnownSeriesAreTheSameSeries) {
  std::mt19937 random(2);
  std::map<std::string, std::string, std::less<>> memory;
  std::size_t taken_at_sight = 0;
  for (int round = 0; round < 300; ++round) {
    const std::string body = random_body(random, 60);
    Recorder fresh;
    Recorder knowing(&memory);
    const ReaderStats expected = read(fresh, body, body.size());
    const ReaderStats stats = read(knowing, body, 1 + random() % 300);
    ASSERT_EQ(knowing.samples, fresh.samples) << body;
    ASSERT_EQ(stats.samples, expected.samples) << body;
    ASSERT_EQ(stats.faults, expected.faults) << body;
    taken_at_sight += knowing.taken_at_sight;
  }
  EXPECT_GT(taken_at_sight, 1000U);
}

TEST(ExpositionProperty, ValuesEndWhereTheyEnd) {
  const auto by_bytes = [](const char* at, const char* end) -> const char* {
    for (; at < end; ++at) {
      if (*at == '"') return at;
      if (*at == '\\' || static_cast<signed char>(*at) < 0) return nullptr;
    }
    return nullptr;
  };
  std::mt19937 random(4);
  constexpr std::array kSpecial{'"', '\\', '\x80', '\xFF', '"'};
  std::size_t ends = 0;
  for (int round = 0; round < 200'000; ++round) {
    // A vector of its own for each, so that a look beyond its end is seen.
    std::vector<char> text(random() % 80);
    for (char& c : text) c = static_cast<char>(random() % 128);
    for (char& c : text) c = c == '"' || c == '\\' ? '#' : c;
    for (std::size_t i = random() % 3; i > 0 && !text.empty(); --i) {
      text[random() % text.size()] = kSpecial[random() % kSpecial.size()];
    }
    const char* const begin = text.data();
    const char* const end = begin + text.size();
    const char* const expected = by_bytes(begin, end);
    ASSERT_EQ(portable_plain_end(begin, end), expected) << round;
    ASSERT_EQ(best_plain_end()(begin, end), expected) << round;
    ends += expected != nullptr ? 1 : 0;
  }
  EXPECT_GT(ends, 50'000U);
}

TEST(ExpositionProperty, ShortDecimalsAreExact) {
  std::mt19937_64 random(3);
  const auto digits = [&](std::size_t count) {
    std::string text;
    while (text.size() < count) text.push_back(static_cast<char>('0' + random() % 10));
    return text;
  };
  for (int round = 0; round < 200'000; ++round) {
    std::string text = std::array{"", "-", "+"}[random() % 3] + digits(random() % 20);
    if (random() % 2 == 0) text += "." + digits(random() % 20);
    if (random() % 2 == 0) {
      text += std::array{"E", "e", "E-", "e+"}[random() % 4] + std::to_string(random() % 40);
    }
    const bool number = text.find_first_of("0123456789") < text.find_first_of("eE");
    const auto value = parse_value(text);
    ASSERT_EQ(value.has_value(), number) << text;
    if (!number) continue;
    const double expected = std::strtod(text.c_str(), nullptr);
    ASSERT_EQ(std::bit_cast<std::uint64_t>(*value), std::bit_cast<std::uint64_t>(expected)) << text;
  }
}

}  // namespace
}  // namespace doctor::exposition
