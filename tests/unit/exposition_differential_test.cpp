// Valid bodies, recorded and made up, as Prometheus' own Python client reads them
// (python3-prometheus-client, tests/exposition/read.py); and promtool, Prometheus' parser in Go,
// finds them well formed. Skipped where these are not installed. What a real Prometheus makes of
// such bodies, sample by sample, is tests/exposition/run.py's.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

#include "tests/exposition/recorder.hpp"

namespace doctor::exposition {
namespace {

namespace fs = std::filesystem;

constexpr int kNotInstalled = 77;
constexpr int kOnlyStyle = 3;  // promtool: parsed, but names could be better

std::vector<std::string> our_reading(const std::string& body) {
  Recorder recorder;
  Reader reader(recorder, 65536);
  for (std::size_t at = 0; at < body.size(); at += 4096) {
    reader.feed(std::string_view(body).substr(at, 4096));
  }
  reader.finish();
  EXPECT_EQ(reader.stats().faults_total(), 0U);
  std::sort(recorder.samples.begin(), recorder.samples.end());
  return recorder.samples;
}

class Differential : public testing::Test {
 protected:
  Differential() { fs::create_directories(folder_); }
  ~Differential() override { fs::remove_all(folder_); }

  int run(const std::string& command, const std::string& body) {
    std::ofstream(folder_ / "body", std::ios::binary) << body;
    const std::string in = (folder_ / "body").string(), out = (folder_ / "out").string();
    const int status = std::system((command + " < " + in + " > " + out + " 2>&1").c_str());
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  std::vector<std::string> output() const {
    std::vector<std::string> lines;
    std::ifstream file(folder_ / "out");
    for (std::string line; std::getline(file, line);) lines.push_back(line);
    std::sort(lines.begin(), lines.end());
    return lines;
  }
  /// False when the client is not installed.
  bool agrees(const std::string& body) {
    const int code = run("/usr/bin/python3 " DOCTOR_SOURCE_DIR "/tests/exposition/read.py", body);
    if (code == kNotInstalled || code == 127) return false;
    EXPECT_EQ(code, 0) << testing::PrintToString(output());
    const std::vector<std::string> ours = our_reading(body);
    EXPECT_FALSE(ours.empty());
    EXPECT_TRUE(ours == output()) << ours.size() << " samples here, " << output().size()
                                  << " there";
    return true;
  }
  static std::string promtool() {
    const char* cache = std::getenv("FLINK_DOCTOR_CACHE");
    const char* home = std::getenv("HOME");
    const fs::path root = cache != nullptr  ? fs::path(cache)
                          : home != nullptr ? fs::path(home) / ".cache/flink-doctor"
                                            : fs::path("/nowhere");
    for (const fs::path& path : {fs::path("/usr/bin/promtool"), root / "debs/usr/bin/promtool"}) {
      if (fs::exists(path)) return path.string();
    }
    return {};
  }

  fs::path folder_{fs::temp_directory_path() / ("doctor-exposition-" + std::to_string(getpid()))};
};

std::vector<std::string> recorded_bodies() {
  std::vector<std::string> bodies;
  for (const auto& entry : fs::recursive_directory_iterator(DOCTOR_SOURCE_DIR "/tests/fixtures")) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with("reporter-") || !name.ends_with(".txt")) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    bodies.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>{});
  }
  return bodies;
}

std::string random_value(std::mt19937_64& random) {
  std::array<char, 64> text{};
  switch (random() % 6) {
    case 0:
      return "0.0";
    case 1:
      return std::array{"NaN", "+Inf", "-Inf", "-0.0", "4.9E-324"}[random() % 5];
    case 2:
      std::snprintf(text.data(), text.size(), "%.17g", std::bit_cast<double>(random() >> 2U));
      return text.data();
    case 3:
      std::snprintf(text.data(), text.size(), "%.16E", static_cast<double>(random()) * 1e-7);
      return text.data();
    default:
      std::snprintf(text.data(), text.size(), "%.*f", static_cast<int>(random() % 12),
                    static_cast<double>(random() % 1'000'000'000) / 1e4);
      return text.data();
  }
}

/// Families with and without comments, labels with every escape and scripts beyond ASCII.
std::string random_body(std::uint64_t seed) {
  constexpr std::array kPieces{
      "a",        "Window(5 s)",     "\\\\", "\\\"", "\\n", "}", "{x", ",", " ", "#", "=",
      "\xC3\xA9", "\xF0\x9F\x90\xBF"};
  std::mt19937_64 random(seed);
  std::string body;
  for (int family = 0; family < 60; ++family) {
    const std::string name = "flink_family_" + std::to_string(family);
    if (random() % 3 != 0) body += "# HELP " + name + " with \\\\ and \\n\n";
    if (random() % 3 != 0) body += "# TYPE " + name + " gauge\n";
    for (std::uint64_t series = random() % 20; series > 0; --series) {
      body += name + "{series=\"" + std::to_string(series) + "\"";
      for (std::uint64_t label = random() % 5; label > 0; --label) {
        body += ",l" + std::to_string(label) + "=\"";
        for (std::uint64_t piece = random() % 6; piece > 0; --piece) {
          body += kPieces[random() % kPieces.size()];
        }
        body += "\"";
      }
      body += std::string(random() % 2 == 0 ? ",} " : "} ") + random_value(random) + "\n";
    }
  }
  return body;
}

TEST_F(Differential, RecordedBodiesReadAsPrometheusClientReadsThem) {
  for (const std::string& body : recorded_bodies()) {
    if (!agrees(body)) GTEST_SKIP() << "python3-prometheus-client is not installed";
  }
}

TEST_F(Differential, MadeUpBodiesReadAsPrometheusClientReadsThem) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    SCOPED_TRACE(seed);
    if (!agrees(random_body(seed))) GTEST_SKIP() << "python3-prometheus-client is not installed";
  }
}

TEST_F(Differential, PromtoolFindsTheBodiesWellFormed) {
  const std::string tool = promtool();
  if (tool.empty()) GTEST_SKIP() << "promtool is not installed";
  std::vector<std::string> bodies = recorded_bodies();
  for (std::uint64_t seed = 1; seed <= 10; ++seed) bodies.push_back(random_body(seed));
  for (const std::string& body : bodies) {
    const int code = run(tool + " check metrics", body);
    EXPECT_TRUE(code == 0 || code == kOnlyStyle) << code << testing::PrintToString(output());
  }
  EXPECT_EQ(run(tool + " check metrics", "a{x=\"1\"} one\n"), 1) << "it would not tell";
}

}  // namespace
}  // namespace doctor::exposition
