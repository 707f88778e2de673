// RecordingReader: the files of one recording as one sequence of records, oldest file first. Damage
// is no error: the sequence ends there, and ending() says so.
#pragma once

#include <deque>
#include <fstream>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "agent/recording/decoder.hpp"
#include "agent/recording/record.hpp"
#include "model/result.hpp"

namespace doctor {

class RecordingReader {
 public:
  /// `path` and, as far back as they belong to the same recording, path.1, path.2, …
  static Result<RecordingReader> open(const std::string& path);

  /// Of the oldest file.
  const Opening& opening() const { return opening_; }
  std::size_t files() const { return files_; }

  /// Where the entities of each cluster go before the items that speak of them; by ClusterIndex.
  void attach(std::vector<EntityTable*> tables) { tables_ = std::move(tables); }

  /// What else the recording holds, in order: Memory and Standing of the oldest file only, and
  /// items. Nothing at the end.
  std::optional<Record> next();

  /// After the end: why it was no proper one, and what is missing; one line each.
  const std::vector<std::string>& notes() const { return notes_; }

 private:
  struct File {
    std::string path;
    std::unique_ptr<std::ifstream> stream;
    Opening opening;
  };
  RecordingReader() = default;
  static Result<File> open_file(const std::string& path);

  bool begin_file();
  bool begin_frame();
  std::optional<Record> next_of_file();
  bool is_sound(const Record& record) const;
  void make_entity(const EntityMade& entity);
  void end(const std::string& why);

  Opening opening_;
  std::size_t files_{0};
  std::deque<File> waiting_;
  std::optional<File> file_;
  bool is_oldest_{true};
  bool was_closed_{false};
  bool ended_{false};
  Decoder decoder_;
  std::vector<EntityTable*> tables_;
  std::vector<std::string> notes_;
};

}  // namespace doctor
