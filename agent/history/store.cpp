#include "agent/history/store.hpp"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/file.h>
#include <unistd.h>

#include <boost/crc.hpp>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

namespace doctor {
namespace {

constexpr int kSchemaVersion = 1;

/// CRC-32C: SQLite does not notice a flipped byte in a payload.
std::int64_t checksum(const std::string& key, const std::string& body) {
  boost::crc_optimal<32, 0x1EDC6F41, 0xFFFFFFFF, 0xFFFFFFFF, true, true> crc;
  crc.process_bytes(key.data(), key.size());
  crc.process_bytes(body.data(), body.size());
  return crc.checksum();
}

std::string read_only_advice(const std::string& directory) {
  return "; give a writable directory with --data-dir, or none to keep nothing (" + directory + ")";
}

class Statement {
 public:
  Statement(sqlite3* database, const char* sql) {
    sqlite3_prepare_v2(database, sql, -1, &statement_, nullptr);
  }
  ~Statement() { sqlite3_finalize(statement_); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  void bind(int index, const std::string& text) {
    sqlite3_bind_blob64(statement_, index, text.data(), text.size(), SQLITE_TRANSIENT);
  }
  void bind(int index, std::int64_t number) { sqlite3_bind_int64(statement_, index, number); }
  int step() { return statement_ == nullptr ? SQLITE_ERROR : sqlite3_step(statement_); }
  std::string text(int column) const {
    const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_, column));
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
    return bytes == nullptr ? std::string{} : std::string(bytes, size);
  }
  std::int64_t number(int column) const { return sqlite3_column_int64(statement_, column); }

 private:
  sqlite3_stmt* statement_{nullptr};
};

}  // namespace

struct Store::Database {
  std::string directory;
  int lock{-1};
  sqlite3* handle{nullptr};

  ~Database() {
    sqlite3_close(handle);
    if (lock >= 0) ::close(lock);
  }
  std::string path() const { return directory + "/state.db"; }
  std::string message() const { return sqlite3_errmsg(handle); }
  int execute(const char* sql) const {
    return sqlite3_exec(handle, sql, nullptr, nullptr, nullptr);
  }

  Status acquire();
  Status open();
  Status prepare_schema() const;
  std::int64_t schema_version() const;
  bool is_sound() const;
  void quarantine();
};

Status Store::Database::acquire() {
  std::error_code fault;
  std::filesystem::create_directories(directory, fault);
  if (fault) {
    return Error{ErrorCode::io, "cannot create " + directory + ": " + fault.message() +
                                    read_only_advice(directory)};
  }
  lock = ::open((directory + "/lock").c_str(), O_CREAT | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (lock < 0) {
    return Error{ErrorCode::io, "cannot write in " + directory + ": " + std::strerror(errno) +
                                    read_only_advice(directory)};
  }
  if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
    return Error{ErrorCode::io, "another flink-doctor uses " + directory +
                                    "; stop it, or give this one a --data-dir of its own"};
  }
  return Done{};
}

Status Store::Database::open() {
  constexpr int kFlags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  if (sqlite3_open_v2(path().c_str(), &handle, kFlags, nullptr) == SQLITE_OK && is_sound()) {
    return prepare_schema();
  }
  quarantine();
  if (sqlite3_open_v2(path().c_str(), &handle, kFlags, nullptr) != SQLITE_OK) {
    return Error{ErrorCode::io, "cannot open " + path() + ": " + message()};
  }
  return prepare_schema();
}

bool Store::Database::is_sound() const {
  Statement check(handle, "PRAGMA quick_check(1)");
  return check.step() == SQLITE_ROW && check.text(0) == "ok";
}

/// Puts a database that cannot be read aside, and starts anew beside it.
void Store::Database::quarantine() {
  sqlite3_close(handle);
  handle = nullptr;
  std::error_code ignored;
  std::filesystem::rename(path(), path() + ".corrupt", ignored);
  std::filesystem::remove(path() + "-wal", ignored);
  std::filesystem::remove(path() + "-shm", ignored);
}

/// A statement of its own scope: while one is open, the journal mode cannot be changed.
std::int64_t Store::Database::schema_version() const {
  Statement version(handle, "PRAGMA user_version");
  return version.step() == SQLITE_ROW ? version.number(0) : 0;
}

Status Store::Database::prepare_schema() const {
  const std::int64_t found = schema_version();
  if (found > kSchemaVersion) {
    return Error{ErrorCode::io, path() + " was written by a newer flink-doctor (schema " +
                                    std::to_string(found) + ", this one knows " +
                                    std::to_string(kSchemaVersion) +
                                    "); upgrade, or use another --data-dir"};
  }
  const bool ready =
      execute(
          "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA user_version=1;"
          "CREATE TABLE IF NOT EXISTS image("
          "key BLOB PRIMARY KEY, body BLOB NOT NULL, crc INTEGER NOT NULL) WITHOUT ROWID;") ==
      SQLITE_OK;
  if (!ready) return Error{ErrorCode::io, "cannot use " + path() + ": " + message()};
  return Done{};
}

Result<std::unique_ptr<Store>> Store::open(const std::string& directory) {
  auto database = std::make_unique<Database>();
  database->directory = directory;
  if (const Status ok = database->acquire(); !ok) return ok.error();
  if (const Status ok = database->open(); !ok) return ok.error();
  return std::unique_ptr<Store>(new Store(std::move(database)));
}

Store::Store(std::unique_ptr<Database> database)
    : database_(std::move(database)), thread_([this] { write_queue(); }) {}

Store::~Store() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

std::map<std::string, std::string> Store::load() {
  const std::scoped_lock lock(mutex_);
  std::map<std::string, std::string> images;
  Statement all(database_->handle, "SELECT key, body, crc FROM image");
  while (all.step() == SQLITE_ROW) {
    std::string key = all.text(0);
    std::string body = all.text(1);
    if (checksum(key, body) != all.number(2)) {
      ++errors_;
      continue;
    }
    images.emplace(std::move(key), std::move(body));
  }
  return images;
}

void Store::save(const std::string& key, std::string body) {
  {
    const std::scoped_lock lock(mutex_);
    queue_[key] = std::move(body);
  }
  wake_.notify_one();
}

void Store::remove(const std::string& key) { save(key, ""); }

std::string Store::state() const {
  const std::scoped_lock lock(mutex_);
  return state_;
}

std::uint64_t Store::errors() const {
  const std::scoped_lock lock(mutex_);
  return errors_;
}

void Store::write_queue() {
  for (;;) {
    std::unique_lock lock(mutex_);
    wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (queue_.empty()) return;
    const std::map<std::string, std::string> images = std::exchange(queue_, {});
    const bool last = stopping_;
    // The handle is used under the mutex: load() may run on another thread. Writers of save() wait
    // for a commit at most, which without a sync is a few milliseconds.
    bool well = database_->execute("BEGIN") == SQLITE_OK;
    for (const auto& [key, body] : images) {
      Statement write(database_->handle, body.empty()
                                             ? "DELETE FROM image WHERE key = ?1"
                                             : "INSERT OR REPLACE INTO image VALUES(?1, ?2, ?3)");
      write.bind(1, key);
      if (!body.empty()) {
        write.bind(2, body);
        write.bind(3, checksum(key, body));
      }
      well = write.step() == SQLITE_DONE && well;
    }
    well = well && database_->execute("COMMIT") == SQLITE_OK;
    if (well) {
      state_ = "ok";
    } else {
      fail(database_->message());
      database_->execute("ROLLBACK");
      for (const auto& [key, body] : images) queue_.try_emplace(key, body);
      if (last) return;
      wake_.wait_for(lock, std::chrono::seconds(5), [this] { return stopping_; });
    }
  }
}

void Store::fail(const std::string& what) {
  state_ = what;
  ++errors_;
}

}  // namespace doctor
