#include "agent/history/store.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

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
    Result<std::unique_ptr<Store>> store = Store::open(directory);
    EXPECT_TRUE(store) << (store ? "" : store.error().message);
    return store ? std::move(*store) : nullptr;
  }
  std::string directory;
};

TEST_F(StoreTest, KeepsTheNewestImagePerKey) {
  {
    const auto store = open();
    store->save("a", "old");
    store->save("a", "new");
    store->save("b", std::string("with \0 byte", 11));
    store->save("c", "gone soon");
    store->remove("c");
  }
  const auto images = open()->load();
  EXPECT_EQ(images.size(), 2U);
  EXPECT_EQ(images.at("a"), "new");
  EXPECT_EQ(images.at("b").size(), 11U);
}

TEST_F(StoreTest, OneProcessPerDirectory) {
  const auto store = open();
  const auto second = Store::open(directory);
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
    store->save("key", std::string(3000, 'q'));
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

TEST_F(StoreTest, ADirectoryThatCannotBeMadeIsAClearError) {
  std::ofstream(directory + "/file") << "not a directory";
  const auto store = Store::open(directory + "/file/below");
  ASSERT_FALSE(store);
  EXPECT_NE(store.error().message.find("--data-dir"), std::string::npos);
}

}  // namespace
}  // namespace doctor
