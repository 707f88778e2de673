// StateFile: the newest image per key, in a small SQLite database. Each image has a CRC-32C. Error
// codes as of Database.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "agent/history/database.hpp"

namespace doctor {

struct Image {
  std::string body;      // empty: none, to be removed
  std::int64_t mark{0};  // the last row of the history that it has seen; 0: of no history
};
using Images = std::map<std::string, Image>;  // by key

class StateFile {
 public:
  static Result<StateFile> open(const std::string& path);
  /// Those whose checksum is right; others are counted.
  Result<Images> load(std::uint64_t& damaged) const;
  /// All or none, and it survives a power loss.
  Status write(const Images& images) const;
  void abandon() const { database_.abandon(); }

 private:
  explicit StateFile(Database database) : database_(std::move(database)) {}
  Status write_one(const std::string& key, const Image& image) const;

  Database database_;
};

}  // namespace doctor
