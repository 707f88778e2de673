// Rewrite: makes a file in bins of five minutes out of a raw one, a source at a time, and puts it
// in the raw one's place. Until then nothing is lost when it stops.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "agent/history/day_file.hpp"
#include "agent/history/history_files.hpp"

namespace doctor {

class Rewrite {
 public:
  /// Of a raw file in which everything is sealed.
  static Result<std::unique_ptr<Rewrite>> start(const HistoryFile& raw);

  /// Takes the next source. False: it was the last, and the raw file is gone.
  Result<bool> step();
  std::uint64_t damaged() const { return damaged_; }

 private:
  Rewrite() = default;
  Status rewrite_source(std::int64_t id, const StoredSource& source);
  Status finish();

  std::string raw_path_, path_;
  std::unique_ptr<DayFile> raw_, binned_;
  std::map<std::int64_t, StoredSource> sources_;  // still to come
  std::uint64_t damaged_{0};
};

}  // namespace doctor
