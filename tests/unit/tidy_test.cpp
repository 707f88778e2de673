// The rules of the house, as a test: who may include whom, how long a file may be, and that every
// detector has its runbook, its registry line and its scenarios.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "agent/capability.hpp"
#include "detectors/registry.hpp"

namespace doctor {
namespace {

namespace fs = std::filesystem;

const fs::path kRoot = DOCTOR_SOURCE_DIR;
constexpr std::size_t kFileLinesMax = 400;
constexpr std::size_t kFunctionLinesMax = 70;

std::vector<std::string> lines_of(const fs::path& path) {
  std::ifstream file(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

std::vector<fs::path> sources_in(const std::string& room) {
  std::vector<fs::path> found;
  for (const auto& entry : fs::recursive_directory_iterator(kRoot / room)) {
    const std::string extension = entry.path().extension();
    if (extension == ".cpp" || extension == ".hpp") found.push_back(entry.path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

std::set<std::string> rooms_included_by(const fs::path& path) {
  static const std::regex kInclude("^#include \"([a-z]+)/.*\"");
  std::set<std::string> rooms;
  for (const std::string& line : lines_of(path)) {
    std::smatch match;
    if (std::regex_search(line, match, kInclude)) rooms.insert(match[1]);
  }
  return rooms;
}

TEST(Tidy, DependenciesPointOneWay) {
  const std::map<std::string, std::set<std::string>> allowed{
      {"model", {"model"}},
      {"detectors", {"model", "detectors"}},
      {"collectors", {"model", "collectors"}},
      {"agent", {"model", "collectors", "detectors", "agent"}}};
  for (const auto& [room, may_include] : allowed) {
    for (const fs::path& path : sources_in(room)) {
      for (const std::string& included : rooms_included_by(path)) {
        EXPECT_TRUE(may_include.contains(included)) << path << " includes " << included << "/";
      }
    }
  }
}

TEST(Tidy, HistoryIncidentsAndDeliveryDoNotKnowEachOther) {
  const std::vector<std::string> strangers{"history", "incidents", "delivery"};
  for (const std::string& room : strangers) {
    for (const fs::path& path : sources_in("agent/" + room)) {
      for (const std::string& line : lines_of(path)) {
        for (const std::string& other : strangers) {
          if (other == room) continue;
          EXPECT_FALSE(line.starts_with("#include \"agent/" + other + "/")) << path << ": " << line;
        }
      }
    }
  }
}

TEST(Tidy, PureRoomsHaveNoClockDiskOrNetwork) {
  static const std::regex kForbidden(
      "std::chrono::(system|steady)_clock|<fstream>|<filesystem>|<sys/socket|<unistd|gettimeofday|"
      "::time\\(|<thread>|<boost/|<nlohmann|<prometheus|<spdlog|printf\\(\"");
  for (const std::string room : {"model", "detectors"}) {
    for (const fs::path& path : sources_in(room)) {
      for (const std::string& line : lines_of(path)) {
        EXPECT_FALSE(std::regex_search(line, kForbidden)) << path << ": " << line;
      }
    }
  }
}

TEST(Tidy, CollectorsNeitherLogNorKnowPrometheus) {
  static const std::regex kForbidden("spdlog|<prometheus|std::cerr|_clock::now");
  for (const fs::path& path : sources_in("collectors")) {
    for (const std::string& line : lines_of(path)) {
      EXPECT_FALSE(std::regex_search(line, kForbidden)) << path << ": " << line;
    }
  }
}

TEST(Tidy, FilesAreShort) {
  for (const std::string room : {"model", "detectors", "collectors", "agent", "bench", "tests"}) {
    for (const fs::path& path : sources_in(room)) {
      EXPECT_LE(lines_of(path).size(), kFileLinesMax) << path;
    }
  }
}

/// Functions begin in column 0 or two deep (members) and end with a brace in the same column.
TEST(Tidy, FunctionsFitAScreen) {
  for (const std::string room : {"model", "detectors", "collectors", "agent"}) {
    for (const fs::path& path : sources_in(room)) {
      const std::vector<std::string> lines = lines_of(path);
      std::size_t begin = 0;
      bool inside = false;
      for (std::size_t i = 0; i < lines.size(); ++i) {
        const std::string& line = lines[i];
        const bool opens = !line.empty() && line[0] != ' ' && line[0] != '#' && line[0] != '}' &&
                           line[0] != '/' && line.ends_with("{") &&
                           line.find('(') != std::string::npos;
        if (opens) {
          begin = i;
          inside = true;
        } else if (inside && line == "}") {
          EXPECT_LE(i - begin, kFunctionLinesMax) << path << ":" << begin + 1;
          inside = false;
        }
      }
    }
  }
}

TEST(Tidy, PublicHeadersOpenWithTheirContract) {
  for (const std::string room : {"model", "detectors", "collectors", "agent"}) {
    for (const fs::path& path : sources_in(room)) {
      if (path.extension() != ".hpp") continue;
      const std::vector<std::string> lines = lines_of(path);
      ASSERT_FALSE(lines.empty()) << path;
      EXPECT_TRUE(lines.front().starts_with("//")) << path << " does not say what it is";
    }
  }
}

TEST(Tidy, EveryDetectorHasRunbookAndScenarios) {
  for (const Detector* detector : all_detectors()) {
    const std::string name(detector->name);
    EXPECT_FALSE(runbook(name).empty()) << name << " has no runbook";
    EXPECT_TRUE(fs::exists(kRoot / "detectors" / (name + ".cpp"))) << name;
    const fs::path scenario = kRoot / "tests/scenarios" / (name + ".scenario");
    ASSERT_TRUE(fs::exists(scenario)) << name << " has no scenarios";
    bool fires = false;
    bool quiet = false;
    for (const std::string& indented : lines_of(scenario)) {
      const std::string line =
          indented.substr(std::min(indented.size(), indented.find_first_not_of(' ')));
      if (!line.starts_with("expect")) continue;
      if (line.starts_with("expect none")) {
        quiet = true;
      } else if (line.find(name) != std::string::npos) {
        fires = true;
      }
    }
    EXPECT_TRUE(fires) << name << " has no case in which it fires";
    EXPECT_TRUE(quiet) << name << " has no quiet twin";
  }
}

TEST(Tidy, EveryRunbookBelongsToADetector) {
  for (const auto& entry : fs::directory_iterator(kRoot / "detectors")) {
    if (entry.path().extension() != ".md") continue;
    const std::string name = entry.path().stem();
    EXPECT_NE(find_detector(name), nullptr) << entry.path() << " is the runbook of nobody";
  }
}

TEST(Tidy, TheReadmeListsEveryDetector) {
  std::string readme;
  for (const std::string& line : lines_of(kRoot / "README.md")) readme += line + "\n";
  for (const Detector* detector : all_detectors()) {
    EXPECT_NE(readme.find("`" + std::string(detector->name) + "`"), std::string::npos)
        << "README.md does not list " << detector->name;
  }
  EXPECT_NE(readme.find(capability_matrix()), std::string::npos)
      << "README.md should hold what `flink-doctor detectors --matrix` prints:\n"
      << capability_matrix();
}

}  // namespace
}  // namespace doctor
