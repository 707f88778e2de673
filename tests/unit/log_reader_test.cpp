#include "collectors/logs/log_reader.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "collectors/logs/line_splitter.hpp"
#include "collectors/logs/log_counts.hpp"

namespace doctor {
namespace {

using Lines = std::vector<std::string>;

struct Split {
  Lines lines;
  LineSplitter::Stats stats;
};

Split split(const std::vector<std::string_view>& windows, std::size_t line_bytes_max) {
  Split result;
  LineSplitter splitter(line_bytes_max,
                        [&](std::string_view line) { result.lines.emplace_back(line); });
  for (const std::string_view window : windows) splitter.feed(window);
  splitter.finish();
  result.stats = splitter.stats();
  return result;
}

TEST(LineSplitter, CutsAtEveryByteAlike) {
  std::string text = "one\r\n\nthree is longer than the cap\nfour\r\n";
  text += std::string("\0\0\0five\n", 8) + "eight888\nlast";
  const Split whole = split({text}, 8);
  EXPECT_EQ(whole.lines, (Lines{"one", "", "three is", "four", "five", "eight888", "last"}));
  EXPECT_EQ(whole.stats.lines, 7U);
  EXPECT_EQ(whole.stats.cut, 1U);
  const std::string_view view = text;
  for (std::size_t a = 0; a <= view.size(); ++a) {
    for (std::size_t b = a; b <= view.size(); ++b) {
      const Split parts = split({view.substr(0, a), view.substr(a, b - a), view.substr(b)}, 8);
      ASSERT_EQ(parts.lines, whole.lines) << a << " " << b;
      ASSERT_EQ(parts.stats.cut, whole.stats.cut) << a << " " << b;
    }
  }
}

TEST(LineSplitter, AfterAGapTheRestOfSomeLineIsNoLine) {
  Lines lines;
  LineSplitter splitter(80, [&](std::string_view line) { lines.emplace_back(line); });
  splitter.feed("begins here ");
  splitter.skip_line();
  splitter.feed("ends there");
  splitter.feed(" at last\nwhole\n");
  EXPECT_EQ(lines, Lines{"whole"});
}

TEST(LineSplitter, AHundredMegabytesWithoutNewlineAreNotHeld) {
  Lines lines;
  LineSplitter splitter(100, [&](std::string_view line) { lines.emplace_back(line); });
  const std::string window(1U << 20U, 'x');
  for (int i = 0; i < 100; ++i) splitter.feed(window);
  splitter.feed("\nnext\n");
  EXPECT_EQ(lines, (Lines{std::string(100, 'x'), "next"}));
  EXPECT_EQ(splitter.stats().cut, 1U);
}

// --- counts

constexpr TimestampMs kNow = 1'795'250'000'000;

LogMatches matches_of(std::string_view line) {
  return LogMatcher::shared()->find(line, LogProcess::unknown);
}

TEST(LogCounts, TellsTheFirstAtOnceAndTheRestOnceAMinute) {
  LogCounts counts("tm.log", LogProcess::taskmanager, 40);
  const std::string line = "No space left on device, and a long story about it\x1b[31m";
  counts.add(matches_of(line), line, kNow);
  auto events = counts.due(kNow);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].pattern, "disk_full");
  EXPECT_EQ(events[0].process, "taskmanager");
  EXPECT_EQ(events[0].severity, Severity::critical);
  EXPECT_EQ(events[0].file, "tm.log");
  EXPECT_EQ(events[0].count, 1U);
  EXPECT_EQ(events[0].line, "No space left on device, and a long stor…");
  for (int i = 1; i <= 100; ++i) {
    const std::string next = "No space left on device " + std::to_string(i);
    counts.add(matches_of(next), next, kNow + i);
    EXPECT_TRUE(counts.due(kNow + i).empty());
  }
  EXPECT_TRUE(counts.due(kNow + kMinuteMs - 1).empty());
  events = counts.due(kNow + kMinuteMs);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].count, 100U);
  EXPECT_EQ(events[0].line, "No space left on device 1");
  EXPECT_EQ(events[0].first, kNow + 1);
  EXPECT_EQ(events[0].last, kNow + 100);
  EXPECT_TRUE(counts.due(kNow + 10 * kMinuteMs).empty());
}

TEST(LogCounts, TextsDoNotWaitForEachOtherAndNothingIsLostAtTheEnd) {
  LogCounts counts("tm.log", LogProcess::unknown, 400);
  counts.add(matches_of("Too many open files"), "a", kNow);
  EXPECT_EQ(counts.due(kNow).size(), 1U);
  counts.add(matches_of("Too many open files"), "b", kNow + 1);
  counts.add(matches_of("No space left on device"), "c", kNow + 1);
  const auto events = counts.due(kNow + 1);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].pattern, "disk_full");
  const auto rest = counts.rest();
  ASSERT_EQ(rest.size(), 1U);
  EXPECT_EQ(rest[0].pattern, "open_files");
  EXPECT_EQ(rest[0].line, "b");
  EXPECT_TRUE(counts.rest().empty());
}

// --- entries

std::uint64_t count_of(const std::string& text, const std::string& pattern,
                       const std::string& path = "flink--taskexecutor-0-vm.log") {
  LogReader reader(path, Limits{});
  reader.feed(text, kNow);
  reader.finish(kNow);
  std::uint64_t count = 0;
  for (const LogEvent& event : reader.counts().rest()) {
    if (event.pattern == pattern) count += event.count;
  }
  return count;
}

TEST(LogReader, AStackTraceBelongsToTheEntryBeforeIt) {
  const std::string entry =
      "2026-11-21 10:09:29,604 WARN  org.apache.flink.runtime.taskmanager.Task [] - map (1/1)#0\n"
      "java.lang.Exception: Could not perform checkpoint 7\n"
      "\tat org.apache.flink.A.b(A.java:1)\n"
      "Caused by: java.io.IOException: No space left on device\n"
      "\tat java.io.B.c(B.java:2)\n"
      "Caused by: java.io.IOException: No space left on device\n"
      "\t... 13 more\n";
  EXPECT_EQ(count_of(entry, "disk_full"), 1U);
  EXPECT_EQ(count_of(entry + entry, "disk_full"), 2U);
  EXPECT_EQ(count_of(entry + "10:10:01 No space left on device\n", "disk_full"), 2U);
  EXPECT_EQ(count_of(entry + "ERROR No space left on device\n", "disk_full"), 2U);
}

TEST(LogReader, LinesOfAFileWithoutTimesStandForThemselves) {
  const std::string out =
      "java.lang.OutOfMemoryError: Metaspace\n"
      "\tat a.B.c(B.java:1)\n"
      "Caused by: java.lang.OutOfMemoryError: Metaspace\n"
      "java.lang.OutOfMemoryError: Metaspace\n";
  EXPECT_EQ(count_of(out, "metaspace_oom"), 2U);
}

TEST(LogReader, WhatAContainerRuntimeAddsIsTakenOff) {
  const std::string pod =
      "2026-11-21T10:00:00.123456789Z stdout F 2026-11-21 10:00:00,123 ERROR Task [] - failed\n"
      "2026-11-21T10:00:00.123456790Z stdout F java.io.IOException: No space left on device\n"
      "2026-11-21T10:00:00.123456791Z stdout F \tat a.B.c(B.java:1)\n"
      "2026-11-21T10:00:00.123456792Z stdout F Caused by: No space left on device\n";
  EXPECT_EQ(count_of(pod, "disk_full"), 1U);
}

TEST(LogReader, ALineThatSaysTwoThingsCountsBoth) {
  const std::string line = "Too many open files, No space left on device\n";
  EXPECT_EQ(count_of(line, "disk_full"), 1U);
  EXPECT_EQ(count_of(line, "open_files"), 1U);
}

TEST(LogReader, BinaryGarbageIsHarmlessAndWhatItShowsIsPrintable) {
  std::string garbage;
  for (unsigned i = 0; i < 100'000; ++i) garbage += static_cast<char>((i * 2654435761U) >> 24U);
  EXPECT_EQ(count_of(garbage, "disk_full"), 0U);
  LogReader reader("x\x1b.log", Limits{});
  reader.feed("\x01\xff\x1b[2J No space left on device \xe2\x80\xae\n", kNow);
  const auto events = reader.counts().rest();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].line.find_first_of("\x01\x1b\xff"), std::string::npos);
  EXPECT_EQ(events[0].file, "x .log");
}

}  // namespace
}  // namespace doctor
