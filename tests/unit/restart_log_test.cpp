#include "model/restart_log.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace doctor {
namespace {

ExceptionRecord fault(TimestampMs at, const std::string& name = "java.io.IOException") {
  ExceptionRecord record;
  record.at = at;
  record.name = name;
  return record;
}

JobFacts job_with(std::vector<ExceptionRecord> faults) {
  JobFacts job;
  job.exceptions = std::move(faults);
  return job;
}

TEST(RestartLog, CountsWhatFlinkRepeatsOnce) {
  RestartLog log;
  log.absorb(job_with({fault(10), fault(20)}));
  log.absorb(job_with({fault(10), fault(20), fault(30)}));
  EXPECT_EQ(log.faults().size(), 3U);
  EXPECT_EQ(log.faults_seen(), 3U);
}

TEST(RestartLog, KeepsTheFirstFaultWhenOthersPushItOut) {
  RestartLog log(4);
  log.absorb(job_with({fault(1, "first")}));
  for (TimestampMs at = 10; at < 30; ++at) log.absorb(job_with({fault(at - 1), fault(at)}));
  EXPECT_EQ(log.faults().size(), 4U);
  ASSERT_TRUE(log.first_fault().has_value());
  EXPECT_EQ(log.first_fault()->name, "first");
  EXPECT_EQ(log.faults().back().at, 29);
}

TEST(RestartLog, DoesNotCountWhatItForgotAgain) {
  RestartLog log(2);
  const JobFacts job = job_with({fault(1), fault(2), fault(3), fault(4)});
  log.absorb(job);
  log.absorb(job);
  EXPECT_EQ(log.faults_seen(), 4U);
  EXPECT_EQ(log.faults().front().at, 3);
}

TEST(RestartLog, SurvivesAnEmptyHistoryAfterFailover) {
  RestartLog log;
  log.absorb(job_with({fault(10)}));
  log.absorb(job_with({}));
  log.absorb(job_with({fault(99)}));
  EXPECT_EQ(log.faults().size(), 2U);
}

TEST(RestartLog, ACountThatFallsIsANewJobMaster) {
  RestartLog log;
  log.absorb_count(1, 4);
  EXPECT_EQ(log.restarts_counted(), 0U);  // what was before us is not ours to count
  log.absorb_count(2, 6);
  log.absorb_count(3, std::nan(""));
  log.absorb_count(4, 0);
  log.absorb_count(5, 1);
  EXPECT_EQ(log.restarts_counted(), 3U);
  EXPECT_EQ(log.last_counted_at(), 5);
}

}  // namespace
}  // namespace doctor
