#include "agent/history/store.hpp"

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "agent/history/checksum.hpp"

namespace doctor {
namespace {

namespace fs = std::filesystem;

class StoreTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "flink-doctor-store-XXXXXX").string();
    directory = mkdtemp(pattern.data());
  }
  void TearDown() override { fs::remove_all(directory); }
  std::unique_ptr<Store> open() {
    Result<std::unique_ptr<Store>> store = Store::open(std::make_shared<DataDirectory>(directory));
    EXPECT_TRUE(store) << (store ? "" : store.error().message);
    return store ? std::move(*store) : nullptr;
  }
  std::string directory;
};

TEST_F(StoreTest, KeepsTheNewestImagePerKey) {
  {
    const auto store = open();
    store->save("a", {"old", 1});
    store->save("a", {"new", 2});
    store->save("b", {std::string("with \0 byte", 11), 0});
    store->save("c", {"gone soon", 3});
    store->save("c", {});
  }
  const Images images = open()->load();
  EXPECT_EQ(images.size(), 2U);
  EXPECT_EQ(images.at("a").body, "new");
  EXPECT_EQ(images.at("a").mark, 2);
  EXPECT_EQ(images.at("b").body.size(), 11U);
}

TEST_F(StoreTest, OneProcessPerDirectory) {
  const auto store = open();
  const auto second = Store::open(std::make_shared<DataDirectory>(directory));
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().message.find("another flink-doctor"), std::string::npos);
}

TEST_F(StoreTest, AForeignFileIsPutAsideAndTheAgentStarts) {
  std::ofstream(directory + "/state.db") << std::string(20'000, 'x');
  const auto store = open();
  ASSERT_NE(store, nullptr);
  EXPECT_TRUE(store->load().empty());
  EXPECT_TRUE(fs::exists(directory + "/state.db.corrupt"));
}

TEST_F(StoreTest, AFlippedByteInABodyIsNoticedAndCounted) {
  {
    const auto store = open();
    store->save("key", {std::string(3000, 'q'), 0});
  }
  std::fstream file(directory + "/state.db", std::ios::in | std::ios::out | std::ios::binary);
  std::string bytes((std::istreambuf_iterator<char>(file)), {});
  const std::size_t place = bytes.find(std::string(50, 'q'));
  ASSERT_NE(place, std::string::npos);
  file.seekp(static_cast<std::streamoff>(place + 20));
  file.put('Q');
  file.close();
  const auto store = open();
  EXPECT_TRUE(store->load().empty());
  EXPECT_EQ(store->errors(), 1U);
}

TEST_F(StoreTest, ADirectoryThatCannotBeMadeIsToldAndTheAgentStarts) {
  std::ofstream(directory + "/file") << "not a directory";
  const auto store = Store::open(std::make_shared<DataDirectory>(directory + "/file/below"));
  ASSERT_TRUE(store);
  EXPECT_NE((*store)->state().find("--data-dir"), std::string::npos);
  EXPECT_EQ((*store)->errors(), 1U);
}

TEST_F(StoreTest, ADirectoryThatCanBeMadeLaterIsUsed) {
  const std::string below = directory + "/file/below";
  std::ofstream(directory + "/file") << "not a directory";
  {
    auto store = Store::open(std::make_shared<DataDirectory>(below));
    ASSERT_TRUE(store);
    fs::remove(directory + "/file");
    (*store)->save("key", {"body", 5});
  }
  auto again = Store::open(std::make_shared<DataDirectory>(below));
  ASSERT_TRUE(again);
  EXPECT_EQ((*again)->load().at("key").body, "body");
}

void execute(const std::string& path, const char* sql) {
  sqlite3* handle = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &handle), SQLITE_OK);
  EXPECT_EQ(sqlite3_exec(handle, sql, nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(handle);
}

TEST_F(StoreTest, ADatabaseOfTheFirstVersionIsUpgraded) {
  const std::string crc = std::to_string(crc32c({"key", "body"}));
  execute(directory + "/state.db",
          ("PRAGMA journal_mode=WAL; PRAGMA user_version=1;"
           "CREATE TABLE image(key BLOB PRIMARY KEY, body BLOB NOT NULL, crc INTEGER NOT NULL)"
           " WITHOUT ROWID; INSERT INTO image VALUES(CAST('key' AS BLOB), CAST('body' AS BLOB), " +
           crc + ")")
              .c_str());
  {
    const auto store = open();
    const Images images = store->load();
    ASSERT_TRUE(images.contains("key"));
    EXPECT_EQ(images.at("key").body, "body");
    EXPECT_EQ(images.at("key").mark, 0);
    store->save("other", {"more", 9});
  }
  EXPECT_EQ(open()->load().size(), 2U);
}

TEST_F(StoreTest, ANewerDatabaseIsRefused) {
  execute(directory + "/state.db", "CREATE TABLE future(x); PRAGMA user_version=3");
  const auto store = Store::open(std::make_shared<DataDirectory>(directory));
  ASSERT_FALSE(store);
  EXPECT_NE(store.error().message.find("newer flink-doctor"), std::string::npos);
}

TEST_F(StoreTest, APipeInPlaceOfTheDatabaseIsPutAside) {
  ASSERT_EQ(mkfifo((directory + "/state.db").c_str(), 0600), 0);
  const auto store = open();
  ASSERT_NE(store, nullptr);
  EXPECT_EQ(store->state(), "ok");
}

}  // namespace
}  // namespace doctor
