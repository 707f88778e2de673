// DayFile: one database of the history, for a day or a part of one. Rows come into its journal and
// are sealed, source by source, into chunks of some hours, a column for each series. Everything has
// a CRC-32C; what does not match is left out and counted. Error codes as of Database.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/history/database.hpp"
#include "agent/history/history_row.hpp"
#include "agent/history/sample_table.hpp"

namespace doctor {

struct JournalRow {
  std::int64_t seq{};
  std::int64_t source{};
  TimestampMs at{};
  std::string body;  // pack_row
};

/// Names of columns as they stand in a file.
struct StoredColumns {
  std::uint32_t first{};
  std::uint32_t count{};
  std::string names;  // packed
};

struct StoredSource {
  std::string cluster;
  SourceId number{};
  std::vector<StoredColumns> columns;
};
StoredColumns stored_columns(const NewColumns& columns);
/// Names by column, as far as they are undamaged: a missing one is "".
std::vector<std::string> column_names(const StoredSource& source);

/// Which value of a bin of five minutes a chunk holds; raw: each sample.
enum class ChunkKind : std::int64_t { raw, last, least, most, mean };

struct ChunkHead {
  std::int64_t source{};
  ChunkKind kind{};
  TimestampMs from{}, to{};  // of its first and last row
};

class DayFile {
 public:
  static Result<std::unique_ptr<DayFile>> open(const std::string& path, Database::Access access);

  /// All or nothing. `durable`: survives a power loss, else only the end of the process.
  Status append(std::span<const JournalRow> rows, bool durable,
                const std::map<std::int64_t, StoredSource>& sources);
  /// Makes durable what was appended before.
  Status sync();

  /// Turns rows of one source that is due into a chunk. False: none is. `all`: whether due or not,
  /// and the newest rows too.
  Result<bool> seal_one(TimestampMs now, bool all);
  /// Gives some of the room of sealed rows back to the disk. False: there is no more.
  Result<bool> shrink();
  Status add_chunk(const ChunkHead& head, const SampleTable& table);
  Status copy_source(std::int64_t id, const StoredSource& source);
  /// One file and nothing beside it.
  Status finish();

  Result<std::map<std::int64_t, StoredSource>> sources();
  Status each_chunk(std::int64_t source, TimestampMs from, TimestampMs to,
                    const std::function<void(const ChunkHead&, std::string_view packed)>& take);
  /// Of the journal, in order of seq.
  Status each_row(std::int64_t source, const std::function<void(JournalRow)>& take);
  /// Of all sources, the newest first; ends when `take` says false.
  Status newest_rows(const std::function<bool(JournalRow)>& take);
  Result<std::int64_t> last_seq();

  const std::string& path() const { return database_.path(); }
  std::uint64_t damaged() const { return damaged_; }  // rows and chunks left out
  void abandon() const { database_.abandon(); }

 private:
  struct Unsealed {
    TimestampMs first_at{};
    std::uint64_t rows{};
    void add(TimestampMs at);
  };
  explicit DayFile(Database database) : database_(std::move(database)) {}
  Status load();
  Status load_unsealed();
  Status write_columns(std::int64_t id, const StoredSource& source);
  Status write_rows(std::span<const JournalRow> rows,
                    const std::map<std::int64_t, StoredSource>& sources);
  Result<bool> seal(std::int64_t source, std::size_t rows_max);
  std::size_t width(std::int64_t source) const;
  Status rows_of(Statement& select, const std::function<bool(JournalRow)>& take);
  Status transact(const std::function<Status()>& body);

  Database database_;
  std::map<std::int64_t, std::uint32_t> stored_;  // source → columns whose names are in the file
  std::map<std::int64_t, Unsealed> unsealed_;     // by source
  bool knows_unsealed_{false};
  std::uint64_t damaged_{0};
};

}  // namespace doctor
