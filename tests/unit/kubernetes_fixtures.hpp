// What an API server says, from tests/fixtures/kubernetes.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace doctor {

inline std::string kubernetes_fixture(const std::string& name) {
  std::ifstream file(std::string(DOCTOR_SOURCE_DIR) + "/tests/fixtures/kubernetes/" + name);
  EXPECT_TRUE(file.is_open()) << name;
  return {std::istreambuf_iterator<char>(file), {}};
}

/// The lines of watch.jsonl: a TaskManager is OOM-killed, being deleted, deleted; another is added;
/// a bookmark.
inline std::vector<std::string> watch_lines() {
  std::ifstream file(std::string(DOCTOR_SOURCE_DIR) + "/tests/fixtures/kubernetes/watch.jsonl");
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  EXPECT_EQ(lines.size(), 5U);
  return lines;
}

}  // namespace doctor
