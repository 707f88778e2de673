#include "agent/history/state_file.hpp"

#include <utility>

#include "agent/history/checksum.hpp"

namespace doctor {
namespace {

constexpr int kSchemaVersion = 2;
constexpr const char* kSchema =
    "CREATE TABLE image(key BLOB PRIMARY KEY, body BLOB NOT NULL, crc INTEGER NOT NULL,"
    " mark INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID; PRAGMA user_version=2";
/// Version 1 had no history beside it.
constexpr const char* kUpgrade =
    "BEGIN; ALTER TABLE image ADD COLUMN mark INTEGER NOT NULL DEFAULT 0;"
    "PRAGMA user_version=2; COMMIT";

std::int64_t checksum(std::string_view key, std::string_view body, std::int64_t mark) {
  return crc32c({key, body, mark == 0 ? std::string{} : std::to_string(mark)});
}

}  // namespace

Result<StateFile> StateFile::open(const std::string& path) {
  Result<Database> database =
      Database::open(path, Database::Access::write, kSchemaVersion, kSchema);
  if (!database) return database.error();
  {
    Statement check(*database, "PRAGMA quick_check(1)");
    const bool is_sound = check.step() && check.bytes(0) == "ok";
    if (const Status ok = check.status(); !ok) return ok.error();
    if (!is_sound) return Error{ErrorCode::malformed, path + " is damaged"};
  }
  const Result<std::int64_t> version = database->number("PRAGMA user_version");
  if (!version) return version.error();
  if (*version < kSchemaVersion) {
    if (const Status ok = database->execute(kUpgrade); !ok) return ok.error();
  }
  if (const Status ok = database->execute("PRAGMA synchronous=FULL"); !ok) return ok.error();
  return StateFile(std::move(*database));
}

Result<Images> StateFile::load(std::uint64_t& damaged) const {
  Images images;
  Statement all(database_, "SELECT key, body, crc, mark FROM image");
  while (all.step()) {
    if (checksum(all.bytes(0), all.bytes(1), all.number(3)) != all.number(2)) {
      ++damaged;
      continue;
    }
    images[std::string(all.bytes(0))] = {std::string(all.bytes(1)), all.number(3)};
  }
  if (const Status ok = all.status(); !ok) return ok.error();
  return images;
}

Status StateFile::write(const Images& images) const {
  Status done = database_.execute("BEGIN IMMEDIATE");
  for (auto image = images.begin(); done && image != images.end(); ++image) {
    done = write_one(image->first, image->second);
  }
  if (done) done = database_.execute("COMMIT");
  if (!done && !database_.execute("ROLLBACK")) return done;  // there may be none to roll back
  return done;
}

Status StateFile::write_one(const std::string& key, const Image& image) const {
  if (image.body.empty()) {
    return Statement(database_, "DELETE FROM image WHERE key = ?1").bind(1, key).run();
  }
  Statement write(database_, "INSERT OR REPLACE INTO image VALUES(?1, ?2, ?3, ?4)");
  write.bind(1, key).bind(2, image.body).bind(4, image.mark);
  return write.bind(3, checksum(key, image.body, image.mark)).run();
}

}  // namespace doctor
