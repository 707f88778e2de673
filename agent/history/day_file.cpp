#include "agent/history/day_file.hpp"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "agent/history/checksum.hpp"
#include "agent/history/packing.hpp"

namespace doctor {
namespace {

constexpr int kSchemaVersion = 1;
constexpr const char* kSchema =
    "CREATE TABLE source(id INTEGER, first INTEGER, count INTEGER, cluster BLOB, number INTEGER,"
    " names BLOB, crc INTEGER, PRIMARY KEY(id, first)) WITHOUT ROWID;"
    "CREATE TABLE journal(seq INTEGER PRIMARY KEY, source INTEGER, at INTEGER, crc INTEGER,"
    " body BLOB);"
    "CREATE INDEX journal_source ON journal(source);"
    "CREATE TABLE chunk(source INTEGER, kind INTEGER, first_at INTEGER, last_at INTEGER,"
    " crc INTEGER, body BLOB);"
    "CREATE INDEX chunk_source ON chunk(source, first_at);"
    "PRAGMA user_version=1";

constexpr DurationMs kSealEveryMs = 2 * kHourMs;
// The newest rows stay in the journal, for who starts from an image that is older than they are.
constexpr DurationMs kUnsealedMs = 2 * kMinuteMs;
constexpr std::size_t kUnsealedRows = 8;
constexpr int kNamesLevel = 6;
constexpr std::size_t kNamesBytesMax = 32U << 20U;
constexpr std::uint32_t kColumnsMax = kTableCellsMax;

std::string words(std::initializer_list<std::int64_t> numbers) {
  std::string bytes;
  for (const std::int64_t number : numbers) put_number(bytes, zigzag(number));
  return bytes;
}

std::int64_t crc_of(const JournalRow& row) {
  return crc32c({words({row.seq, row.source, row.at}), row.body});
}
std::int64_t crc_of(const ChunkHead& head, std::string_view body) {
  return crc32c(
      {words({head.source, static_cast<std::int64_t>(head.kind), head.from, head.to}), body});
}
std::int64_t crc_of(std::int64_t id, std::string_view cluster, SourceId number,
                    const StoredColumns& columns) {
  return crc32c({words({id, number, columns.first, columns.count}), cluster, columns.names});
}

/// Sources are sealed at times of their own, so that the disk has no rush hours.
std::int64_t slot(std::int64_t source, TimestampMs at) {
  const auto mixed = static_cast<std::uint64_t>(source) * 0x9E3779B97F4A7C15ULL;
  const auto offset = static_cast<TimestampMs>((mixed >> 32U) % kSealEveryMs);
  return (at + offset) / kSealEveryMs;
}

/// False when the row is damaged.
bool put_row(SampleTable& table, const JournalRow& row) {
  const std::optional<std::vector<double>> values = unpack_row(row.body);
  if (!values || values->size() > table.columns.size()) return false;
  table.at.push_back(row.at);
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    table.columns[i].push_back(i < values->size() ? (*values)[i] : kAbsent);
  }
  return true;
}

}  // namespace

StoredColumns stored_columns(const NewColumns& columns) {
  std::string text;
  for (const std::string& name : columns.names) text.append(name).append(1, '\n');
  return {columns.first, static_cast<std::uint32_t>(columns.names.size()),
          compress(text, kNamesLevel)};
}

std::vector<std::string> column_names(const StoredSource& source) {
  std::vector<std::string> names;
  for (const StoredColumns& columns : source.columns) {
    const std::optional<std::string> text = decompress(columns.names, kNamesBytesMax);
    if (!text || columns.first > kColumnsMax) continue;
    names.resize(columns.first);
    std::string_view rest = *text;
    while (!rest.empty() && names.size() < kColumnsMax) {
      const std::size_t end = std::min(rest.find('\n'), rest.size());
      names.emplace_back(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  return names;
}

Result<std::unique_ptr<DayFile>> DayFile::open(const std::string& path, Database::Access access) {
  Result<Database> database = Database::open(path, access, kSchemaVersion, kSchema);
  if (!database) return database.error();
  std::unique_ptr<DayFile> file(new DayFile(std::move(*database)));
  if (const Status ok = file->load(); !ok) return ok.error();
  return file;
}

void DayFile::Unsealed::add(TimestampMs at) {
  first_at = rows == 0 ? at : std::min(first_at, at);
  ++rows;
}

Status DayFile::load() {
  Statement columns(database_, "SELECT id, max(first + count) FROM source GROUP BY id");
  while (columns.step()) {
    stored_[columns.number(0)] = static_cast<std::uint32_t>(columns.number(1));
  }
  return columns.status();
}

/// Looks at all of the journal, and so not before it is needed.
Status DayFile::load_unsealed() {
  if (knows_unsealed_) return Done{};
  Statement rows(database_, "SELECT source, min(at), count(*) FROM journal GROUP BY source");
  while (rows.step()) {
    unsealed_[rows.number(0)] = {rows.number(1), static_cast<std::uint64_t>(rows.number(2))};
  }
  knows_unsealed_ = rows.status().ok();
  return rows.status();
}

Status DayFile::transact(const std::function<Status()>& body) {
  if (const Status ok = database_.execute("BEGIN IMMEDIATE"); !ok) return ok;
  Status done = body();
  if (done) done = database_.execute("COMMIT");
  if (!done && !database_.execute("ROLLBACK")) return done;  // there may be none to roll back
  return done;
}

Status DayFile::append(std::span<const JournalRow> rows, bool durable,
                       const std::map<std::int64_t, StoredSource>& sources) {
  const char* const sync = durable ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL";
  if (const Status ok = database_.execute(sync); !ok) return ok;
  const auto write = [&] { return write_rows(rows, sources); };
  if (const Status ok = transact(write); !ok) return ok;
  for (const JournalRow& row : rows) {
    if (knows_unsealed_) unsealed_[row.source].add(row.at);
  }
  return Done{};
}

Status DayFile::write_rows(std::span<const JournalRow> rows,
                           const std::map<std::int64_t, StoredSource>& sources) {
  Statement insert(database_, "INSERT OR REPLACE INTO journal VALUES(?1, ?2, ?3, ?4, ?5)");
  for (const JournalRow& row : rows) {
    const auto source = sources.find(row.source);
    if (source != sources.end()) {
      if (const Status ok = write_columns(row.source, source->second); !ok) return ok;
    }
    insert.bind(1, row.seq).bind(2, row.source).bind(3, row.at);
    insert.bind(4, crc_of(row)).bind(5, row.body);
    if (const Status ok = insert.run(); !ok) return ok;
  }
  return Done{};
}

Status DayFile::write_columns(std::int64_t id, const StoredSource& source) {
  const auto stored = stored_.find(id);
  const bool is_known = stored != stored_.end();
  const std::uint32_t known = is_known ? stored->second : 0;
  const bool has_all =
      source.columns.empty() || known >= source.columns.back().first + source.columns.back().count;
  if (is_known && has_all) return Done{};
  Statement insert(database_, "INSERT OR REPLACE INTO source VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)");
  std::uint32_t end = 0;
  for (const StoredColumns& columns : source.columns) {
    end = columns.first + columns.count;
    if (is_known && columns.first < known) continue;
    insert.bind(1, id).bind(2, columns.first).bind(3, columns.count).bind(4, source.cluster);
    insert.bind(5, source.number).bind(6, columns.names);
    insert.bind(7, crc_of(id, source.cluster, source.number, columns));
    if (const Status ok = insert.run(); !ok) return ok;
  }
  stored_[id] = end;
  return Done{};
}

/// A commit that changes nothing and is waited for: the write-ahead log is one file.
Status DayFile::sync() {
  return database_.execute("PRAGMA synchronous=FULL; PRAGMA user_version=" +
                           std::to_string(kSchemaVersion));
}

std::size_t DayFile::width(std::int64_t source) const {
  const auto stored = stored_.find(source);
  return stored == stored_.end() ? 0 : std::min(stored->second, kColumnsMax);
}

Result<bool> DayFile::shrink() {
  if (const Status ok = database_.execute("PRAGMA incremental_vacuum(1024)"); !ok) {
    return ok.error();
  }
  const Result<std::int64_t> free_pages = database_.number("PRAGMA freelist_count");
  const Result<std::int64_t> can_move = database_.number("PRAGMA auto_vacuum");
  if (!free_pages || !can_move) return free_pages ? can_move.error() : free_pages.error();
  return *free_pages > 0 && *can_move > 0;
}

Result<bool> DayFile::seal_one(TimestampMs now, bool all) {
  if (const Status ok = load_unsealed(); !ok) return ok.error();
  for (const auto& [source, unsealed] : unsealed_) {
    const std::size_t rows_max = kTableCellsMax / std::max<std::size_t>(width(source), 1);
    const bool is_full = unsealed.rows >= rows_max + kUnsealedRows;
    const bool is_over = slot(source, unsealed.first_at) != slot(source, now - kUnsealedMs);
    if (all || is_full || is_over) return seal(source, rows_max);
  }
  return false;
}

/// The oldest rows, as far as they are of one slot. At least one.
Result<bool> DayFile::seal(std::int64_t source, std::size_t rows_max) {
  SampleTable table;
  table.columns.resize(width(source));
  std::int64_t last = std::numeric_limits<std::int64_t>::max();  // that was taken
  std::size_t taken = 0;
  std::int64_t first_slot = 0;
  Unsealed rest;
  const auto take = [&](JournalRow row) {
    if (taken == 0) first_slot = slot(source, row.at);
    if (rest.rows > 0 || taken == rows_max || slot(source, row.at) != first_slot) {
      rest.add(row.at);
      return;
    }
    ++taken;
    last = row.seq;
    if (!put_row(table, row)) ++damaged_;
  };
  if (const Status ok = each_row(source, take); !ok) return ok.error();
  if (rest.rows == 0) last = std::numeric_limits<std::int64_t>::max();  // damaged ones, too
  const auto write = [&]() -> Status {
    if (!table.columns.empty() && !table.at.empty()) {
      const auto [from, to] = std::minmax_element(table.at.begin(), table.at.end());
      if (const Status ok = add_chunk({source, ChunkKind::raw, *from, *to}, table); !ok) return ok;
    }
    Statement erase(database_, "DELETE FROM journal WHERE source = ?1 AND seq <= ?2");
    return erase.bind(1, source).bind(2, last).run();
  };
  if (const Status ok = transact(write); !ok) return ok.error();
  unsealed_.erase(source);
  if (rest.rows > 0) unsealed_[source] = rest;
  return true;
}

Status DayFile::add_chunk(const ChunkHead& head, const SampleTable& table) {
  const std::string body = pack_table(table);
  Statement insert(database_, "INSERT INTO chunk VALUES(?1, ?2, ?3, ?4, ?5, ?6)");
  insert.bind(1, head.source).bind(2, static_cast<std::int64_t>(head.kind));
  insert.bind(3, head.from).bind(4, head.to).bind(5, crc_of(head, body)).bind(6, body);
  return insert.run();
}

Status DayFile::copy_source(std::int64_t id, const StoredSource& source) {
  return write_columns(id, source);
}

Status DayFile::finish() { return database_.execute("PRAGMA journal_mode=DELETE"); }

Result<std::map<std::int64_t, StoredSource>> DayFile::sources() {
  std::map<std::int64_t, StoredSource> all;
  Statement select(database_,
                   "SELECT id, first, count, cluster, number, names, crc FROM source "
                   "ORDER BY id, first");
  while (select.step()) {
    const std::int64_t id = select.number(0);
    StoredColumns columns{static_cast<std::uint32_t>(select.number(1)),
                          static_cast<std::uint32_t>(select.number(2)),
                          std::string(select.bytes(5))};
    const auto number = static_cast<SourceId>(select.number(4));
    if (crc_of(id, select.bytes(3), number, columns) != select.number(6)) {
      ++damaged_;
      continue;
    }
    StoredSource& source = all[id];
    source.cluster = select.bytes(3);
    source.number = number;
    source.columns.push_back(std::move(columns));
  }
  if (const Status ok = select.status(); !ok) return ok.error();
  return all;
}

Status DayFile::each_chunk(
    std::int64_t source, TimestampMs from, TimestampMs to,
    const std::function<void(const ChunkHead&, std::string_view packed)>& take) {
  Statement select(database_,
                   "SELECT kind, first_at, last_at, crc, body FROM chunk WHERE source = ?1 AND "
                   "first_at <= ?3 AND last_at >= ?2 ORDER BY first_at, kind");
  select.bind(1, source).bind(2, from).bind(3, to);
  while (select.step()) {
    const ChunkHead head{source, static_cast<ChunkKind>(select.number(0)), select.number(1),
                         select.number(2)};
    if (crc_of(head, select.bytes(4)) != select.number(3)) {
      ++damaged_;
    } else {
      take(head, select.bytes(4));
    }
  }
  return select.status();
}

Status DayFile::each_row(std::int64_t source, const std::function<void(JournalRow)>& take) {
  Statement select(database_,
                   "SELECT seq, source, at, crc, body FROM journal WHERE source = ?1 ORDER BY seq");
  select.bind(1, source);
  return rows_of(select, [&](JournalRow row) {
    take(std::move(row));
    return true;
  });
}

Status DayFile::newest_rows(const std::function<bool(JournalRow)>& take) {
  Statement select(database_, "SELECT seq, source, at, crc, body FROM journal ORDER BY seq DESC");
  return rows_of(select, take);
}

Status DayFile::rows_of(Statement& select, const std::function<bool(JournalRow)>& take) {
  while (select.step()) {
    JournalRow row{select.number(0), select.number(1), select.number(2),
                   std::string(select.bytes(4))};
    if (crc_of(row) != select.number(3)) {
      ++damaged_;
    } else if (!take(std::move(row))) {
      break;
    }
  }
  return select.status();
}

Result<std::int64_t> DayFile::last_seq() {
  return database_.number("SELECT coalesce(max(seq), 0) FROM journal");
}

}  // namespace doctor
