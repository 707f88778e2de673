// The recorder and its disk: whose files it takes, and what it does when nothing can be written.
#include <sys/stat.h>

#include <chrono>
#include <functional>
#include <thread>

#include "tests/unit/recording_fixture.hpp"

namespace doctor {
namespace {

namespace fs = std::filesystem;

class RecorderTest : public test::RecordingTest {
 protected:
  RecorderTest() {
    JudgeConfig config;
    config.cluster = "c";
    judges_.push_back(std::make_unique<Judge>(config, all_detectors(), plan_, limits_));
  }
  Result<std::unique_ptr<Recorder>> start() {
    return Recorder::start(settings_, judges_, {}, {}, now_);
  }
  /// Until the writer has dealt with what it has; items a second apart.
  static bool eventually(const std::function<bool()>& holds) {
    for (int i = 0; i < 1000; ++i) {
      if (holds()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }

  Limits limits_;
  FeaturePlan plan_{all_detectors()};
  std::vector<std::unique_ptr<Judge>> judges_;
  TimestampMs now_{1'000'000};
};

TEST_F(RecorderTest, TheFileIsNobodyElsesToRead) {
  { ASSERT_TRUE(start()); }
  struct stat about {};
  ASSERT_EQ(::stat(settings_.file.c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777U, 0600U);
}

TEST_F(RecorderTest, ARecordingFromBeforeIsKept) {
  test::write(settings_.file, "of another run");
  { ASSERT_TRUE(start()); }
  EXPECT_EQ(test::contents(settings_.file + ".1"), "of another run");
  const Result<Replayed> replayed = replay(settings_.file, {});
  ASSERT_TRUE(replayed);
  EXPECT_EQ(replayed->files, 1U) << "what another run wrote is no part of this one";
}

TEST_F(RecorderTest, WhatIsNoFileIsLeftAlone) {
  ASSERT_EQ(::mkfifo(settings_.file.c_str(), 0600), 0);
  const auto recorder = start();
  ASSERT_FALSE(recorder);
  EXPECT_NE(recorder.error().message.find("no plain file"), std::string::npos);
  EXPECT_TRUE(fs::is_fifo(settings_.file));
}

TEST_F(RecorderTest, TwoDoNotShareAFile) {
  const auto first = start();
  ASSERT_TRUE(first);
  ASSERT_TRUE(eventually([&] { return fs::exists(settings_.file); }));
  const auto second = start();
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().message.find("another flink-doctor"), std::string::npos);
}

TEST_F(RecorderTest, ADirectoryThatIsNotThereIsSaidAtOnce) {
  settings_.file = (directory_ / "missing" / "rec").string();
  EXPECT_FALSE(start());
}

TEST_F(RecorderTest, ItDropsAndCountsWhileTheDiskFailsAndComesBack) {
  settings_.bytes_max = 1;  // every frame begins a file
  auto recorder = start();
  ASSERT_TRUE(recorder);
  ASSERT_TRUE(eventually([&] { return fs::exists(settings_.file); }));
  const fs::path away = directory_.string() + "-away";
  fs::rename(directory_, away);
  const auto tick = [&] {
    now_ += kSecondMs;
    (*recorder)->record({0, now_, Tick{now_}});
  };
  ASSERT_TRUE(eventually([&] {
    tick();
    return (*recorder)->state() != "ok" && (*recorder)->lost() > 0;
  }));
  fs::rename(away, directory_);
  ASSERT_TRUE(eventually([&] {
    tick();
    return (*recorder)->state() == "ok";
  }));
  for (int i = 0; i < 10; ++i) tick();
  recorder->reset();
  const Result<Replayed> replayed = replay(settings_.file, {});
  ASSERT_TRUE(replayed) << replayed.error().message;
  EXPECT_GT(replayed->ticks, 0U);
}

}  // namespace
}  // namespace doctor
