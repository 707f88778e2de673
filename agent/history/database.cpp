#include "agent/history/database.hpp"

#include <sqlite3.h>

#include <filesystem>
#include <system_error>
#include <utility>

#include "model/text.hpp"

namespace doctor {
namespace {

constexpr int kBusyMs = 2000;  // somebody reads the history from outside

ErrorCode meaning(int extended) {
  switch (extended) {
    case SQLITE_IOERR_FSYNC:
    case SQLITE_IOERR_DIR_FSYNC:
    case SQLITE_IOERR_READ:
    case SQLITE_IOERR_DATA:
    case SQLITE_IOERR_CORRUPTFS:
      return ErrorCode::gone;
    default:
      break;
  }
  switch (extended & 0xFF) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
    case SQLITE_SCHEMA:
    case SQLITE_ERROR:  // a table that is not there: not ours
      return ErrorCode::malformed;
    default:
      return ErrorCode::io;
  }
}

}  // namespace

void Database::Close::operator()(sqlite3* handle) const { sqlite3_close(handle); }

Result<Database> Database::open(const std::string& path, Access access, int version,
                                const char* schema) {
  std::error_code unknown;
  const auto type = std::filesystem::status(path, unknown).type();
  if (type != std::filesystem::file_type::regular && std::filesystem::exists(path, unknown)) {
    return Error{ErrorCode::malformed, path + " is no file"};  // a pipe would hang who opens it
  }
  const bool writes = access == Access::write;
  const int flags = (writes ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY) |
                    SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  sqlite3* handle = nullptr;
  const int opened = sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
  Database database(path, handle);
  if (opened != SQLITE_OK) return database.error();
  sqlite3_busy_timeout(handle, kBusyMs);
  sqlite3_limit(handle, SQLITE_LIMIT_LENGTH, 256 << 20);
  const Result<std::int64_t> found = database.version();
  if (!found) return found.error();
  if (*found > version) {
    return Error{ErrorCode::invalid_argument,
                 path + " was written by a newer flink-doctor (schema " + std::to_string(*found) +
                     ", this one knows " + std::to_string(version) +
                     "); upgrade, or use another --data-dir"};
  }
  // What is a database but not ours is not written to.
  if (*found < 0) return Error{ErrorCode::malformed, path + " is not flink-doctor's"};
  if (!writes) return database;
  for (const char* sql :
       {"PRAGMA auto_vacuum=INCREMENTAL", "PRAGMA journal_mode=WAL", "PRAGMA synchronous=NORMAL",
        "PRAGMA cache_size=-512", "PRAGMA journal_size_limit=8388608"}) {
    if (const Status ok = database.execute(sql); !ok) return ok.error();
  }
  if (*found == 0) {
    if (const Status ok = database.execute("BEGIN;" + std::string(schema) + ";COMMIT"); !ok) {
      return ok.error();
    }
  }
  return database;
}

Result<std::int64_t> Database::version() const {
  const Result<std::int64_t> tables = number("SELECT count(*) FROM sqlite_schema");
  if (!tables) return tables.error();
  const Result<std::int64_t> found = number("PRAGMA user_version");
  if (!found) return found.error();
  const bool is_foreign = *found == 0 && *tables > 0;
  return is_foreign ? -1 : *found;
}

Status Database::execute(const std::string& sql) const {
  if (sqlite3_exec(handle_.get(), sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK) {
    return Done{};
  }
  return error();
}

Result<std::int64_t> Database::number(const std::string& sql) const {
  Statement statement(*this, sql.c_str());
  const bool has_row = statement.step();
  if (const Status ok = statement.status(); !ok) return ok.error();
  return has_row ? statement.number(0) : 0;
}

Error Database::error() const {
  if (!handle_) return Error{ErrorCode::io, path_ + ": out of memory"};
  return Error{meaning(sqlite3_extended_errcode(handle_.get())),
               path_ + ": " + printable(sqlite3_errmsg(handle_.get()))};
}

void Database::abandon() const {
  sqlite3_db_config(handle_.get(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
}

Statement::Statement(const Database& database, const char* sql) : database_(database) {
  failed_ = sqlite3_prepare_v2(database.handle(), sql, -1, &statement_, nullptr) != SQLITE_OK;
}

Statement::~Statement() { sqlite3_finalize(statement_); }

Statement& Statement::bind(int index, std::string_view bytes) {
  // A null pointer would be NULL, not an empty blob.
  const char* const data = bytes.data() == nullptr ? "" : bytes.data();
  sqlite3_bind_blob64(statement_, index, data, bytes.size(), SQLITE_STATIC);
  return *this;
}

Statement& Statement::bind(int index, std::int64_t number) {
  sqlite3_bind_int64(statement_, index, number);
  return *this;
}

bool Statement::step() {
  if (failed_) return false;
  const int result = sqlite3_step(statement_);
  failed_ = result != SQLITE_ROW && result != SQLITE_DONE;
  return result == SQLITE_ROW;
}

Status Statement::run() {
  step();
  const Status done = status();
  if (!failed_) sqlite3_reset(statement_);
  return done;
}

Status Statement::status() const {
  if (failed_) return database_.error();
  return Done{};
}

std::string_view Statement::bytes(int column) const {
  const auto* data = static_cast<const char*>(sqlite3_column_blob(statement_, column));
  if (data == nullptr) return {};
  return {data, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

std::int64_t Statement::number(int column) const {
  return sqlite3_column_int64(statement_, column);
}

}  // namespace doctor
