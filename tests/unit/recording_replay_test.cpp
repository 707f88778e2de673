// A replay finds what the live run found, byte for byte and at every tick; also over several files,
// after a restart of the agent, and with names redacted.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "agent/history/image.hpp"
#include "agent/recording/judgement.hpp"
#include "tests/unit/recording_fixture.hpp"

namespace doctor {
namespace {

namespace fs = std::filesystem;
using test::RecordingTest;
using test::run_live;

/// Without what a redaction replaces: who did what when.
std::vector<std::string> bare(const Replayed& replayed) {
  std::vector<std::string> lines;
  for (const Change& change : replayed.timeline) {
    const Finding& finding = change.reported.finding;
    lines.push_back(format_rfc3339(change.at) + " " + finding.detector + " " +
                    std::string(to_string(change.reported.state)) + " " +
                    std::string(to_string(finding.severity)));
  }
  std::sort(lines.begin(), lines.end());
  for (const DetectorReport& report : replayed.verdicts->clusters.at(0).detectors) {
    lines.push_back(report.detector + " " + std::string(to_string(report.state)));
  }
  return lines;
}

/// Every drawn cluster of one detector's scenarios.
class RecordedScenarios : public RecordingTest, public testing::WithParamInterface<std::string> {
 protected:
  static std::vector<scenario::Case> cases() {
    return test::watched_cases(GetParam(), 6 * kHourMs);
  }
};
INSTANTIATE_TEST_SUITE_P(Files, RecordedScenarios, testing::ValuesIn(test::scenario_files()),
                         [](const auto& param) { return param.param; });

TEST_F(RecordingTest, EveryTickReplaysByteForByte) {
  const test::LiveRun live = run_live(restarts(), settings_);
  ASSERT_GT(live.documents.size(), 100U);
  EXPECT_NE(live.documents.back().find("\"firing\""), std::string::npos);
  EXPECT_EQ(live.documents, replayed_documents(settings_.file));
}

TEST_P(RecordedScenarios, ReplayByteForByte) {
  constexpr std::size_t kEvery = 23;
  for (const scenario::Case& drawn : cases()) {
    SCOPED_TRACE(drawn.file + ": " + drawn.name);
    const test::LiveRun live = run_live(drawn, settings_, {}, kEvery);
    ASSERT_EQ(live.state, "ok");
    const std::vector<std::string> again = replayed_documents(settings_.file, kEvery);
    ASSERT_EQ(live.documents.size(), again.size());
    for (std::size_t i = 0; i < again.size(); ++i) ASSERT_EQ(live.documents[i], again[i]);
  }
}

TEST_P(RecordedScenarios, RedactedFindTheSame) {
  constexpr std::size_t kNever = 1'000'000;
  for (const scenario::Case& drawn : cases()) {
    SCOPED_TRACE(drawn.file + ": " + drawn.name);
    settings_.redact = false;
    run_live(drawn, settings_, {}, kNever);
    const Result<Replayed> plain = replay(settings_.file, {});
    settings_.redact = true;
    run_live(drawn, settings_, {}, kNever);
    const Result<Replayed> redacted = replay(settings_.file, {});
    ASSERT_TRUE(plain);
    ASSERT_TRUE(redacted);
    EXPECT_EQ(bare(*plain), bare(*redacted));
  }
}

TEST_F(RecordingTest, SeveralFilesReplayAsOne) {
  scenario::Case drawn = restarts();
  drawn.length = 3 * kHourMs;
  settings_.bytes_max = 40'000;  // below what the configuration allows, to be quick
  settings_.files_max = 1000;
  const test::LiveRun live = run_live(drawn, settings_);
  ASSERT_TRUE(fs::exists(settings_.file + ".2")) << "the test needs more data";
  EXPECT_EQ(live.documents, replayed_documents(settings_.file));
}

TEST_F(RecordingTest, FilesAreBoundedInBytesAndNumber) {
  scenario::Case drawn = restarts();
  drawn.length = 3 * kHourMs;
  settings_.bytes_max = 40'000;
  settings_.files_max = 2;
  run_live(drawn, settings_);
  EXPECT_TRUE(fs::exists(settings_.file + ".1"));
  EXPECT_FALSE(fs::exists(settings_.file + ".2"));
  EXPECT_FALSE(fs::exists(settings_.file + ".new"));
  EXPECT_LE(fs::file_size(settings_.file + ".1"), settings_.bytes_max);
  const Result<Replayed> replayed = replay(settings_.file, {});
  ASSERT_TRUE(replayed);
  EXPECT_EQ(replayed->files, 2U);
  ASSERT_FALSE(replayed->notes.empty());
  EXPECT_NE(replayed->notes[0].find("not there"), std::string::npos) << replayed->notes[0];
  const auto loops =
      std::count_if(replayed->verdicts->findings.begin(), replayed->verdicts->findings.end(),
                    [](const ReportedFinding& f) { return f.finding.detector == "restart_loop"; });
  EXPECT_EQ(loops, 1) << "what the first files told is remembered";
}

TEST_F(RecordingTest, WhatTheAgentHadLearnedIsPartOfIt) {
  const scenario::Case drawn = restarts();
  run_live(drawn, settings_);
  const Result<Replayed> first = replay(settings_.file, {});
  ASSERT_TRUE(first);
  ASSERT_FALSE(first->verdicts->findings.empty());
  // A second life that begins with a finding of the first.
  Memory memory;
  memory.at = scenario::kCaseStart;
  memory.findings_image = findings_image(first->verdicts->findings);
  const test::LiveRun live = run_live(drawn, settings_, {memory});
  EXPECT_EQ(live.documents, replayed_documents(settings_.file));
  EXPECT_NE(live.documents.front().find("restart_loop"), std::string::npos);
}

TEST_F(RecordingTest, AnotherParameterIsAnotherJudgement) {
  run_live(restarts(), settings_);
  const Result<Replayed> as_it_was = replay(settings_.file, {});
  ASSERT_TRUE(as_it_was);
  const Detector* loop = find_detector("restart_loop");
  ASSERT_NE(loop, nullptr);
  ReplayOptions options;
  for (const Param& param : loop->params) {
    options.set["restart_loop"][std::string(param.name)] = 1e9;
  }
  const Result<Replayed> otherwise = replay(settings_.file, options);
  ASSERT_TRUE(otherwise);
  EXPECT_TRUE(differences(outline(*as_it_was), outline(*as_it_was)).empty());
  const std::vector<std::string> lines = differences(outline(*as_it_was), outline(*otherwise));
  ASSERT_FALSE(lines.empty());
  EXPECT_TRUE(lines[0].starts_with("vanished  restart_loop/")) << lines[0];
  const std::vector<std::string> back = differences(outline(*otherwise), outline(*as_it_was));
  EXPECT_TRUE(back[0].starts_with("appeared  restart_loop/")) << back[0];

  options.set = {{"restart_loop", {{"no_such_parameter", 1}}}};
  EXPECT_FALSE(replay(settings_.file, options)) << "a typo would silently change nothing";
}

TEST_F(RecordingTest, FromAndToCutTheTimeline) {
  const std::string later =
      std::string(test::kRestarts) +
      "  job later vertices=A>B interval=10s on=tm-1\n"
      "  fault later every 60s from=15m exception=\"a.B: no\" task=A on=tm-1\n";
  run_live(test::cases_of(later, "later").at(0), settings_);
  const Result<Replayed> all = replay(settings_.file, {});
  ASSERT_TRUE(all);
  ASSERT_GE(all->timeline.size(), 2U);
  ReplayOptions options;
  options.to = all->timeline.front().at;
  const Result<Replayed> head = replay(settings_.file, options);
  ASSERT_TRUE(head);
  EXPECT_EQ(head->ended, *options.to);
  EXPECT_LT(head->timeline.size(), all->timeline.size());
  options = {};
  options.from = all->timeline.front().at + 1;
  const Result<Replayed> tail = replay(settings_.file, options);
  ASSERT_TRUE(tail);
  EXPECT_FALSE(tail->timeline.empty());
  EXPECT_GT(tail->timeline.front().at, all->timeline.front().at);
  EXPECT_EQ(tail->ticks, all->ticks) << "what is not told is judged all the same";
}

TEST_F(RecordingTest, MovedAndWorseAreTold) {
  Outline a;
  a.findings["x"] = {{"2026-01-01T00:00:00.000Z", "firing", "warning"}};
  a.detectors["c: d"] = "ok";
  Outline later = a;
  later.findings["x"][0].at = "2026-01-01T00:01:00.000Z";
  Outline worse = a;
  worse.findings["x"][0].severity = "critical";
  worse.detectors["c: d"] = "blind";
  EXPECT_TRUE(differences(a, later).at(0).starts_with("moved     x"));
  ASSERT_EQ(differences(a, worse).size(), 2U);
  EXPECT_TRUE(differences(a, worse)[0].starts_with("changed   x"));
  EXPECT_TRUE(differences(a, worse)[1].starts_with("changed   c: d"));
}

TEST_F(RecordingTest, TheJudgementIsOneJsonDocumentAndReadsBack) {
  run_live(restarts(), settings_);
  const Result<Replayed> replayed = replay(settings_.file, {});
  ASSERT_TRUE(replayed);
  const auto json = nlohmann::json::parse(judgement_json(*replayed));
  EXPECT_EQ(json["timeline"].size(), replayed->timeline.size());
  EXPECT_EQ(json["verdicts"]["findings"].size(), replayed->verdicts->findings.size());
  EXPECT_NE(judgement_text(*replayed).find("firing    "), std::string::npos);
  EXPECT_FALSE(parse_outline("{}"));
  EXPECT_FALSE(parse_outline("nothing of that kind"));
}

}  // namespace
}  // namespace doctor
