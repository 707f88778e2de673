// The push parser: good lines, each kind of bad line, and that cutting the body into windows never
// changes what is read. Recorded reporter answers are compared with a naive reading.
#include "collectors/exposition/reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>

#include "collectors/exposition/value.hpp"

namespace doctor::exposition {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// Writes down every sample as one line of text: "name{a=1,b=2} 3".
class Recorder final : public Sink {
 public:
  bool wants(std::string_view name) override {
    asked.emplace_back(name);
    return unwanted.empty() || !name.starts_with(unwanted);
  }
  void sample(std::string_view name, std::span<const Label> labels, double value) override {
    std::string text(name);
    for (const Label& label : labels) {
      text.append(text.size() == name.size() ? "{" : ",").append(label.name).append("=");
      text.append(label.value);
    }
    if (!labels.empty()) text += "}";
    samples.push_back(text + " " + std::to_string(value));
    values.push_back(value);
  }
  std::string unwanted;
  std::vector<std::string> asked, samples;
  std::vector<double> values;
};

struct Reading {
  Recorder sink;
  ReaderStats stats;
};

Reading read(std::string_view body, std::size_t window = 0, const std::string& unwanted = "",
             std::size_t line_bytes_max = 65536) {
  Reading reading;
  reading.sink.unwanted = unwanted;
  Reader reader(reading.sink, line_bytes_max);
  if (window == 0) window = std::max<std::size_t>(body.size(), 1);
  for (std::size_t at = 0; at < body.size(); at += window) {
    const std::string copy(body.substr(at, window));  // so that no view into it can survive
    reader.feed(copy);
  }
  reader.finish();
  reading.stats = reader.stats();
  return reading;
}

TEST(ExpositionReader, ReadsWhatFlinkWrites) {
  const Reading reading = read(
      "# HELP flink_x x (scope: taskmanager)\n# TYPE flink_x gauge\n"
      "flink_x{host=\"h\",tm_id=\"a:1\",} -9.223372036854776E18\n"
      "flink_x{host=\"g\",} NaN\n"
      "# TYPE flink_none gauge\n"
      "# TYPE flink_s summary\nflink_s{quantile=\"0.5\",} 1.5\nflink_s_count{} 7.0\n");
  EXPECT_THAT(
      reading.sink.samples,
      ElementsAre("flink_x{host=h,tm_id=a:1} -9223372036854775808.000000", "flink_x{host=g} nan",
                  "flink_s{quantile=0.5} 1.500000", "flink_s_count 7.000000"));
  EXPECT_THAT(reading.sink.asked, ElementsAre("flink_x", "flink_none", "flink_s", "flink_s_count"));
  EXPECT_EQ(reading.stats.lines, 8U);
  EXPECT_EQ(reading.stats.samples, 4U);
  EXPECT_EQ(reading.stats.faults_total(), 0U);
}

TEST(ExpositionReader, AcceptsTheLiberalForms) {
  const Reading reading = read(
      "a 1\r\n  b\t+2 1700000000000\n\n#\n# EOF\nc { x = \"1\" , y=\"2\" } 3\nd{} 4\ne{a=\"b\"}5\n"
      "# HELP\n# TYPE bad-name gauge\nf:g .5 -7");
  EXPECT_THAT(reading.sink.samples, ElementsAre("a 1.000000", "b 2.000000", "c{x=1,y=2} 3.000000",
                                                "d 4.000000", "e{a=b} 5.000000", "f:g 0.500000"));
  EXPECT_EQ(reading.stats.faults_total(), 0U);
}

TEST(ExpositionReader, UnescapesLabelValues) {
  const Reading reading = read(R"(a{x="1\\2\"3\n4",y="\\\\",z="plain",w=",}\"{",} 1)"
                               "\n"
                               R"(a{x="\"",y="\\"} 2)");
  EXPECT_THAT(reading.sink.samples, ElementsAre("a{x=1\\2\"3\n4,y=\\\\,z=plain,w=,}\"{} 1.000000",
                                                "a{x=\",y=\\} 2.000000"));
}

TEST(ExpositionReader, KeepsAnyUtf8AndNulInValues) {
  const std::string body = std::string("a{x=\"\xC3\xA9\xF0\x9F\x90\xBF") + '\0' + "\"} 1\n";
  const Reading reading = read(body);
  EXPECT_EQ(reading.stats.samples, 1U);
  EXPECT_NE(reading.sink.samples.at(0).find('\0'), std::string::npos);
}

struct BadLine {
  const char* line;
  LineFault fault;
};

class BadLines : public ::testing::TestWithParam<BadLine> {};

TEST_P(BadLines, AreCountedAndTheRestIsKept) {
  for (const std::size_t window : {1, 7, 1000}) {
    const Reading reading = read(std::string("a 1\n") + GetParam().line + "\nb 2\n", window);
    EXPECT_THAT(reading.sink.samples, ElementsAre("a 1.000000", "b 2.000000"));
    EXPECT_EQ(reading.stats.faults, (std::map<LineFault, std::uint64_t>{{GetParam().fault, 1}}))
        << "seen: " << to_string(reading.stats.faults.begin()->first);
    EXPECT_EQ(reading.stats.lines, 3U);
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, BadLines,
    ::testing::Values(
        BadLine{"{x=\"1\"} 1", LineFault::no_name}, BadLine{"1a 1", LineFault::bad_name},
        BadLine{"a-b 1", LineFault::bad_name}, BadLine{"<html>", LineFault::bad_name},
        BadLine{"\xC3\xA9 1", LineFault::bad_name}, BadLine{"c{x=\"1\" 1", LineFault::bad_labels},
        BadLine{"c{x=\"1\"y=\"2\"} 1", LineFault::bad_labels},
        BadLine{"c{x=1} 1", LineFault::bad_labels}, BadLine{"c{x} 1", LineFault::bad_labels},
        BadLine{"c{x=\"1} 1", LineFault::bad_labels}, BadLine{"c{,} 1", LineFault::bad_labels},
        BadLine{"c{x=\"1\",,} 1", LineFault::bad_labels}, BadLine{"c{", LineFault::bad_labels},
        BadLine{"c{x:y=\"1\"} 1", LineFault::bad_labels},
        BadLine{"c{x=\"a\\", LineFault::bad_labels},
        BadLine{"c{x=\"\\t\"} 1", LineFault::bad_escape},
        BadLine{"c{x=\"1\",x=\"1\"} 1", LineFault::duplicate_label},
        BadLine{"c{x=\"\xFF\"} 1", LineFault::bad_utf8},
        BadLine{"c{x=\"\xC0\x80\"} 1", LineFault::bad_utf8},
        BadLine{"c{x=\"\xED\xA0\x80\"} 1", LineFault::bad_utf8},
        BadLine{"c{x=\"\xE2\x82\"} 1", LineFault::bad_utf8},
        BadLine{"c{x=\"\xF4\x90\x80\x80\"} 1", LineFault::bad_utf8},
        BadLine{"c", LineFault::no_value}, BadLine{"c{x=\"1\"}", LineFault::no_value},
        BadLine{"c one", LineFault::bad_value}, BadLine{"c 1e400", LineFault::bad_value},
        BadLine{"c 1 soon", LineFault::bad_timestamp}, BadLine{"c 1 1.5", LineFault::bad_timestamp},
        BadLine{"c 1 99999999999999999999", LineFault::bad_timestamp},
        BadLine{"c 1 2 # {a=\"b\"} 3", LineFault::trailing_text}));

TEST(ExpositionReader, CapsTheNumberOfLabels) {
  std::string labels;
  for (std::size_t i = 0; i < kLabelsMax; ++i) labels += "l" + std::to_string(i) + "=\"v\",";
  const Reading reading = read("a{" + labels + "} 1\na{" + labels + "more=\"v\"} 2\n");
  EXPECT_THAT(reading.sink.values, ElementsAre(1.0));
  EXPECT_EQ(reading.stats.faults.at(LineFault::too_many_labels), 1U);
}

TEST(ExpositionReader, SkipsOverlongLinesAtAnyWindowSize) {
  const std::string exact = "a{x=\"" + std::string(92, 'v') + "\"} 1";
  ASSERT_EQ(exact.size(), 101U);
  for (const std::size_t window : {1, 7, 64, 100, 101, 102, 100000}) {
    const std::string body =
        exact + "\n" + exact + "2\n" + std::string(5000, 'z') + "\nb 2\n" + std::string(300, 'y');
    const Reading reading = read(body, window, "", 101);
    EXPECT_THAT(reading.sink.values, ElementsAre(1.0, 2.0)) << window;
    EXPECT_EQ(reading.stats.faults.at(LineFault::too_long), 3U) << window;
    EXPECT_EQ(reading.stats.lines, 5U) << window;
  }
}

TEST(ExpositionReader, DoesNotReadLabelsOfUnwantedNames) {
  const Reading reading =
      read("# TYPE no_x gauge\nno_x{broken 1\nno_x 1\nno_x\nyes 1\nno_xy 2\nyes_no 3\n", 0, "no_");
  EXPECT_THAT(reading.sink.samples, ElementsAre("yes 1.000000", "yes_no 3.000000"));
  EXPECT_EQ(reading.stats.skipped, 4U);
  EXPECT_EQ(reading.stats.faults_total(), 0U);
  EXPECT_THAT(reading.sink.asked, ElementsAre("no_x", "yes", "no_xy", "yes_no"));
}

TEST(ExpositionReader, NeverReadsALineThatIsNotThereYet) {
  Recorder sink;
  Reader reader(sink, 1000);
  reader.feed(std::string_view("a 1\nb 12"));
  EXPECT_THAT(sink.values, ElementsAre(1.0));
  reader.feed(std::string_view("3\n"));
  EXPECT_THAT(sink.values, ElementsAre(1.0, 123.0));
  reader.finish();
  EXPECT_EQ(reader.stats().lines, 2U);
}

TEST(ExpositionReader, SurvivesEmptyAndBinaryBodies) {
  EXPECT_THAT(read("").sink.samples, IsEmpty());
  EXPECT_THAT(read("\n\n\r\n").sink.samples, IsEmpty());
  std::string noise;
  std::uint32_t state = 1;
  for (int i = 0; i < 200'000; ++i) {
    state = state * 1664525U + 1013904223U;
    noise.push_back(static_cast<char>(state >> 24U));
  }
  const Reading whole = read(noise);
  const Reading bytewise = read(noise, 1);
  EXPECT_EQ(whole.sink.samples, bytewise.sink.samples);
  EXPECT_EQ(whole.stats.faults, bytewise.stats.faults);
  EXPECT_GT(whole.stats.faults_total(), 100U);
}

TEST(ExpositionValue, IsExact) {
  const auto value = [](std::string_view text) { return parse_value(text).value(); };
  EXPECT_EQ(value("0.1"), 0.1);
  EXPECT_EQ(value("1.7976931348623157E308"), std::numeric_limits<double>::max());
  EXPECT_EQ(value("4.9E-324"), std::numeric_limits<double>::denorm_min());
  EXPECT_EQ(value("9.007199254740993E15"), 9007199254740992.0);  // halfway: to even
  EXPECT_EQ(value("-9.223372036854776E18"), -0x1p63);
  EXPECT_TRUE(std::signbit(value("-0.0")));
  EXPECT_TRUE(std::isnan(value("NaN")));
  EXPECT_EQ(value("+Inf"), std::numeric_limits<double>::infinity());
  EXPECT_EQ(value("-Inf"), -std::numeric_limits<double>::infinity());
}

TEST(ExpositionValue, TakesWhatGoTakes) {
  const auto value = [](std::string_view text) { return parse_value(text).value(); };
  for (const char* text : {"nan", "NAN", "nAn"}) EXPECT_TRUE(std::isnan(value(text))) << text;
  for (const char* text : {"Inf", "inf", "+INF", "Infinity", "+infinity"}) {
    EXPECT_EQ(value(text), std::numeric_limits<double>::infinity()) << text;
  }
  for (const char* text : {"-inf", "-iNfInItY"}) {
    EXPECT_EQ(value(text), -std::numeric_limits<double>::infinity()) << text;
  }
  const std::string tiny = "0." + std::string(400, '0') + "1";
  for (const std::string& text : {std::string("1e-400"), std::string("-1e-400"), tiny,
                                  std::string("2.4703282292062327e-324"),  // half the least
                                  std::string("1e-99999999999999999999")}) {
    EXPECT_EQ(value(text), 0.0) << text;
    EXPECT_EQ(std::signbit(value(text)), text.front() == '-') << text;
  }
  EXPECT_EQ(value("2.4703282292062328e-324"), std::numeric_limits<double>::denorm_min());
  EXPECT_EQ(value("1" + std::string(400, '0') + "e-400"), 1.0);
  EXPECT_EQ(value("0e999999999999"), 0.0);
}

TEST(ExpositionValue, RefusesWhatIsNotANumber) {
  for (const char* text :
       {"",      "+",      "-",    "+-1",  "--1",    "0x10", "0x1p3", "1_000",
        "1e400", "-1e400", "+NaN", "-nan", "nan(1)", "in",   "infi",  "infinityy",
        "+",     "1,5",    "1e",   "1.0f", "e5",     "1 "}) {
    EXPECT_FALSE(parse_value(text)) << text;
  }
}

// --- recorded bodies

std::vector<std::filesystem::path> recorded_bodies() {
  std::vector<std::filesystem::path> paths;
  const std::filesystem::path root = DOCTOR_SOURCE_DIR "/tests/fixtures";
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("reporter-") && name.ends_with(".txt")) paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

std::string content(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(ExpositionRecorded, AgreesWithANaiveReading) {
  ASSERT_FALSE(recorded_bodies().empty());
  for (const auto& path : recorded_bodies()) {
    SCOPED_TRACE(path);
    std::vector<std::string> expected;
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) {
      if (line.empty() || line[0] == '#') continue;
      const std::size_t space = line.rfind(' ');  // Flink writes no timestamps
      std::string series = line.substr(0, space);
      std::erase(series, '"');
      if (const std::size_t end = series.rfind(",}"); end != std::string::npos) {
        series.replace(end, 2, "}");
      }
      const double value = std::strtod(line.c_str() + space, nullptr);
      expected.push_back(series + " " + std::to_string(value));
    }
    const Reading reading = read(content(path));
    EXPECT_EQ(reading.stats.faults_total(), 0U);
    EXPECT_GT(expected.size(), 40U);
    ASSERT_EQ(reading.sink.samples.size(), expected.size());
    EXPECT_TRUE(reading.sink.samples == expected);
  }
}

TEST(ExpositionRecorded, WindowSizeNeverMatters) {
  for (const auto& path : recorded_bodies()) {
    SCOPED_TRACE(path);
    const std::string body = content(path).substr(0, 200'000);  // ends in the middle of a line
    const Reading whole = read(body);
    for (const std::size_t window : {1, 7, 64, 4096}) {
      const Reading cut = read(body, window);
      EXPECT_TRUE(cut.sink.samples == whole.sink.samples) << window;
      EXPECT_EQ(cut.sink.asked, whole.sink.asked) << window;
      EXPECT_EQ(cut.stats.lines, whole.stats.lines) << window;
      EXPECT_EQ(cut.stats.faults, whole.stats.faults) << window;
    }
  }
}

}  // namespace
}  // namespace doctor::exposition
