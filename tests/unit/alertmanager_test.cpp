// The notifier's coroutine against a scripted member: splitting, back-off, silence on shutdown.
#include "agent/delivery/alertmanager.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/fake_alertmanager.hpp"

namespace doctor::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

View firing(int count, const std::string& prefix = "host-") {
  View view = one_cluster();
  for (int i = 0; i < count; ++i) {
    view.findings.push_back(leak(prefix + std::to_string(i), Severity::warning));
    // Each under a detector of its own, so that storm control leaves them alone.
    view.findings.back().finding.detector = "d" + std::to_string(i);
  }
  return view;
}

TEST(Notifier, SaysNothingBeforeTheFirstJudgement) {
  FakeAlertmanager member;
  member.run(100);
  EXPECT_EQ(member.exchanges, 0);
  EXPECT_FALSE(member.stats.read().front().up);
}

TEST(Notifier, ProbesAMemberThatHasNothingToHear) {
  FakeAlertmanager member;
  member.show(one_cluster());
  member.run(119);
  EXPECT_EQ(member.posts, 0);
  EXPECT_EQ(member.exchanges, 2);
  EXPECT_EQ(member.stats.read().front().up, true);
}

TEST(Notifier, RepeatsWhatFires) {
  FakeAlertmanager member;
  member.show(sick_cluster());
  member.run(181);
  EXPECT_THAT(member.post_times,
              ElementsAre(kNow, kNow + kMinuteMs, kNow + 2 * kMinuteMs, kNow + 3 * kMinuteMs));
  ASSERT_EQ(member.alerts.size(), 1U);
  EXPECT_EQ(member.alerts.begin()->second.starts_at, format_rfc3339(leak().since));
  EXPECT_EQ(member.alerts.begin()->second.ends_at, format_rfc3339(kNow + 7 * kMinuteMs));
  EXPECT_EQ(member.stats.read().front().sent, 4U);
  EXPECT_TRUE(member.log.empty());
}

TEST(Notifier, TellsAtOnceWhatEnded) {
  FakeAlertmanager member;
  member.show(sick_cluster());
  member.run(40, [&](int second) {
    if (second == 30) member.show(one_cluster());
  });
  EXPECT_THAT(member.post_times, ElementsAre(kNow, kNow + 30 * kSecondMs));
  EXPECT_EQ(member.alerts.begin()->second.ends_at, format_rfc3339(kNow + 30 * kSecondMs));
}

TEST(Notifier, SendsBatches) {
  FakeAlertmanager member;
  member.show(firing(130));
  member.run(1);
  EXPECT_EQ(member.posts, 3);
  EXPECT_EQ(member.alerts.size(), 130U);
}

TEST(Notifier, FindsTheInvalidAlertAndLeavesItAlone) {
  FakeAlertmanager member;
  member.show(firing(64));
  member.status_of_post = [](const std::string& body) {
    return body.find("\"host-41\"") == std::string::npos ? 200 : 400;
  };
  member.run(1);
  EXPECT_LE(member.posts, 2 * 6 + 1);
  EXPECT_EQ(member.stats.read().front().rejected, 1U);
  EXPECT_EQ(member.stats.read().front().sent, 63U);
  ASSERT_EQ(member.log.size(), 1U);
  EXPECT_THAT(member.log.front(), HasSubstr("FlinkD41"));
  EXPECT_TRUE(is_clean(member.log.front(), false));
  EXPECT_EQ(member.find("host", "host-41")->times, 7);
}

TEST(Notifier, DoesNotRetryTheInvalidBody) {
  FakeAlertmanager member;
  member.show(firing(2));
  member.status_of_post = [](const std::string& body) {
    return body.find("\"host-1\"") == std::string::npos ? 200 : 400;
  };
  member.run(301);
  EXPECT_EQ(member.find("host", "host-1")->times, 2);
  EXPECT_EQ(member.find("host", "host-0")->times, 7);  // refused batch, alone, five repeats
  EXPECT_EQ(member.log.size(), 1U);
}

TEST(Notifier, GivesUpSearchingAMemberThatRefusesEverything) {
  FakeAlertmanager member;
  member.show(firing(200));
  member.status_of_post = [](const std::string&) { return 400; };
  member.run(1);
  EXPECT_LE(member.posts, 64);
  EXPECT_LE(member.log.size(), 64U);
}

TEST(Notifier, BacksOffAndReturnsWithTheTruthOfToday) {
  FakeAlertmanager member;
  member.broken = true;
  member.show(firing(3, "old-"));
  constexpr int kHours = 3;
  member.run(kHours * 3600 + 90, [&](int second) {
    if (second == 3600) member.show(firing(2, "new-"));
    if (second == kHours * 3600) member.broken = false;
  });
  EXPECT_LT(member.exchanges, kHours * 125) << "about one attempt a minute";
  EXPECT_EQ(member.alerts.size(), 2U) << "what resolved hours ago is nobody's business";
  EXPECT_NE(member.find("host", "new-0"), nullptr);
  EXPECT_THAT(member.log, ElementsAre(HasSubstr("does not take alerts: nothing listens"),
                                      HasSubstr("answers again")));
  const MemberStats stats = member.stats.read().front();
  EXPECT_EQ(stats.up, true);
  EXPECT_GT(stats.errors, 150U);
}

TEST(Notifier, TreatsAServerErrorAsAbsence) {
  FakeAlertmanager member;
  member.show(sick_cluster());
  member.status_of_post = [&](const std::string&) {
    return member.now < kNow + 20 * kSecondMs ? 503 : 200;
  };
  member.run(60);
  EXPECT_EQ(member.alerts.size(), 1U);
  EXPECT_LE(member.posts, 8);
  EXPECT_EQ(member.stats.read().front().rejected, 0U);
}

TEST(Notifier, ResolvesNothingOnShutdown) {
  FakeAlertmanager member;
  member.show(sick_cluster());
  member.run(5);
  const int posts = member.posts;
  EXPECT_EQ(posts, 1);
  EXPECT_GT(member.alerts.begin()->second.ends_at, format_rfc3339(member.now));
  member.run(5);  // the next life of the agent
  EXPECT_EQ(member.alerts.size(), 1U);
  EXPECT_EQ(member.alerts.begin()->second.starts_at, format_rfc3339(leak().since));
}

}  // namespace
}  // namespace doctor::test
