// One test per case of every tests/scenarios/*.scenario; a file that cannot be read is a test that
// fails.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <ostream>

#include "detectors/registry.hpp"
#include "tests/scenarios/parser.hpp"
#include "tests/scenarios/runner.hpp"

namespace doctor::scenario {
namespace {

struct Scenario {
  std::string name;
  std::vector<std::string> errors;
  Case drawn;
};

/// How GoogleTest shows a parameter.
void PrintTo(const Scenario& scenario, std::ostream* out) { *out << scenario.name; }

std::string identifier(std::string text) {
  for (char& c : text) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  }
  return text;
}

std::vector<Scenario> all_scenarios() {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry :
       std::filesystem::directory_iterator(DOCTOR_SOURCE_DIR "/tests/scenarios")) {
    if (entry.path().extension() == ".scenario") paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  std::vector<Scenario> all;
  for (const auto& path : paths) {
    std::ifstream file(path, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    const std::string stem = identifier(path.stem().string());
    Parsed parsed = parse(text, "tests/scenarios/" + path.filename().string());
    if (!parsed.errors.empty()) all.push_back({stem + "_is_readable", parsed.errors, {}});
    for (Case& drawn : parsed.cases) {
      const std::string name = stem + "_" + identifier(drawn.name);
      const bool twice = std::any_of(all.begin(), all.end(),
                                     [&](const auto& other) { return other.name == name; });
      if (twice) {
        all.push_back(
            {name + "_line_" + std::to_string(drawn.line),
             {drawn.file + ":" + std::to_string(drawn.line) + ": a second case " + drawn.name},
             {}});
      } else {
        all.push_back({name, {}, std::move(drawn)});
      }
    }
  }
  return all;
}

class Scenarios : public ::testing::TestWithParam<Scenario> {};

TEST_P(Scenarios, Hold) {
  for (const std::string& error : GetParam().errors) ADD_FAILURE() << error;
  if (!GetParam().errors.empty()) return;
  for (const std::string& failure : run(GetParam().drawn, all_detectors())) {
    ADD_FAILURE() << failure;
  }
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Scenarios);
INSTANTIATE_TEST_SUITE_P(Files, Scenarios, ::testing::ValuesIn(all_scenarios()),
                         [](const auto& param) { return param.param.name; });

}  // namespace

}  // namespace doctor::scenario
