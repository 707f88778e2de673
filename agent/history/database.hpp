// Database: an SQLite database of the agent's own, and what its failures mean for who writes it.
// Error codes: io, try again later (full, read-only, busy, a failed write or open); gone, what was
// written last may never have reached the disk (a failed fsync) or cannot be read back, so that
// nothing more may be written to this file; malformed, damaged or not ours; invalid_argument,
// written by a newer version.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "model/result.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace doctor {

class Database {
 public:
  enum class Access { read, write };

  /// `schema` is executed for a database that is new (user_version 0) and may be written, and must
  /// set user_version to `version`. One of a newer version is refused.
  static Result<Database> open(const std::string& path, Access access, int version,
                               const char* schema);

  Status execute(const std::string& sql) const;
  /// The first column of the first row; 0 when there is none.
  Result<std::int64_t> number(const std::string& sql) const;
  Error error() const;  // of the last call
  /// Closing leaves the write-ahead log as it is: what failed to reach the disk once may not be
  /// taken for written.
  void abandon() const;
  sqlite3* handle() const { return handle_.get(); }
  const std::string& path() const { return path_; }

 private:
  struct Close {
    void operator()(sqlite3* handle) const;
  };
  Database(std::string path, sqlite3* handle) : path_(std::move(path)), handle_(handle) {}
  Result<std::int64_t> version() const;

  std::string path_;
  std::unique_ptr<sqlite3, Close> handle_;
};

/// One statement of a database, which must outlive it.
class Statement {
 public:
  Statement(const Database& database, const char* sql);
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  /// The text must live until the statement is run; numbers count from 1.
  Statement& bind(int index, std::string_view bytes);
  Statement& bind(int index, std::int64_t number);
  /// True: there is a row. False: there is none, or it failed (see status()).
  bool step();
  /// Runs it once without rows, to be bound and run again.
  Status run();
  Status status() const;
  std::string_view bytes(int column) const;  // until the next step
  std::int64_t number(int column) const;

 private:
  const Database& database_;
  sqlite3_stmt* statement_{nullptr};
  bool failed_{false};
};

}  // namespace doctor
