// Recorded answers of real clusters, as bodies for the parsers and as a script for FakeHttp.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <string>

#include "tests/unit/fake_http.hpp"

namespace doctor {

struct RecordedCluster {
  std::string version;  // "1.20"
  std::filesystem::path folder() const {
    return std::filesystem::path(DOCTOR_SOURCE_DIR) / "tests/fixtures" / ("flink-" + version);
  }
  std::string body(const std::string& name) const {
    std::ifstream file(folder() / (name + ".json"), std::ios::binary);
    EXPECT_TRUE(file.good()) << folder() / name;
    return {std::istreambuf_iterator<char>(file), {}};
  }
  /// Job name → id, from the notes of the index.
  std::map<std::string, std::string> job_ids() const {
    std::map<std::string, std::string> ids;
    each_entry([&](const std::string&, const std::string&, int, const std::string& line) {
      static const std::regex kNote(R"xx("note": "job (\S+) ([0-9a-f]{32})")xx");
      std::smatch found;
      if (std::regex_search(line, found, kNote)) ids[found[1]] = found[2];
    });
    return ids;
  }
  /// The cluster as it stood before the recorder killed a TaskManager.
  void play(FakeHttp& http) const {
    each_entry(
        [&](const std::string& name, const std::string& target, int status, const std::string&) {
          const bool other_time = name.starts_with("lost-") || name.starts_with("empty-") ||
                                  name.starts_with("error-") || name.ends_with("-metrics-status");
          if (!other_time && name.find("reporter-") != 0) http.put(target, body(name), status);
          // Whatever metrics are asked for, the recorded ones are the answer.
          const std::size_t query = target.find("?get=");
          if (!other_time && query != std::string::npos) {
            http.put(target.substr(0, query), body(name), status);
          }
        });
  }

 private:
  template <class Visit>
  void each_entry(Visit visit) const {
    static const std::regex kEntry(
        R"xx("file": "([^"]+)\.json", "request": "GET (/[^"]*)", "status": (\d+))xx");
    std::ifstream index(folder() / "index.json");
    for (std::string line; std::getline(index, line);) {
      std::smatch found;
      if (std::regex_search(line, found, kEntry)) {
        visit(found[1].str(), found[2].str(), std::stoi(found[3]), line);
      }
    }
  }
};

}  // namespace doctor
