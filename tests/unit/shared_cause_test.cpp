#include "detectors/statistics/shared_cause.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/unit/fake_features.hpp"

namespace doctor {
namespace {

using ::testing::HasSubstr;

Finding of_process(const std::string& process, const std::string& id,
                   Severity severity = Severity::info,
                   Confidence confidence = Confidence::suspected) {
  Finding finding;
  finding.detector = "metaspace_leak";
  finding.severity = severity;
  finding.confidence = confidence;
  finding.subject.process = process;
  finding.subject.task_manager = id;
  finding.summary = "metaspace of " + id + " grows";
  finding.evidence.emplace_back();
  return finding;
}

class SharedCause : public ::testing::Test {
 protected:
  std::vector<Finding> told(std::vector<Finding> findings, std::size_t judged) {
    return shared_or_single(fake_.window(), std::move(findings), judged);
  }
  FakeCluster fake_;
};

TEST_F(SharedCause, MostTaskManagersTogetherAreOneFindingAsGraveAsTheWorst) {
  const std::vector<Finding> findings =
      told({of_process("taskmanager", "tm-1"), of_process("taskmanager", "tm-2", Severity::warning),
            of_process("taskmanager", "tm-3", Severity::warning, Confidence::confirmed)},
           4);
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].severity, Severity::warning);
  EXPECT_EQ(findings[0].confidence, Confidence::confirmed);
  EXPECT_EQ(findings[0].subject.task_manager, "");
  EXPECT_EQ(findings[0].subject.process, "taskmanager");
  EXPECT_THAT(findings[0].summary, HasSubstr("3 of 4 processes"));
  EXPECT_THAT(findings[0].summary, HasSubstr("first: metaspace of tm-3"));
  EXPECT_THAT(findings[0].evidence.at(0).sentence, HasSubstr("tm-1"));
}

TEST_F(SharedCause, FewOrAMinorityStandAlone) {
  EXPECT_EQ(told({of_process("taskmanager", "tm-1"), of_process("taskmanager", "tm-2")}, 2).size(),
            2U);
  EXPECT_EQ(told({of_process("taskmanager", "tm-1"), of_process("taskmanager", "tm-2"),
                  of_process("taskmanager", "tm-3")},
                 6)
                .size(),
            3U);
}

TEST_F(SharedCause, TheJobManagerHasItsOwn) {
  const std::vector<Finding> findings =
      told({of_process("jobmanager", ""), of_process("taskmanager", "tm-1"),
            of_process("taskmanager", "tm-2"), of_process("taskmanager", "tm-3")},
           4);
  ASSERT_EQ(findings.size(), 2U);
  EXPECT_EQ(findings[1].subject.process, "jobmanager");
}

TEST_F(SharedCause, TheWorstComesFirst) {
  Verdict verdict;
  add_worst_first(verdict, {of_process("taskmanager", "tm-1"),
                            of_process("taskmanager", "tm-2", Severity::critical)});
  ASSERT_EQ(verdict.findings.size(), 2U);
  EXPECT_EQ(verdict.findings[0].subject.task_manager, "tm-2");
}

}  // namespace
}  // namespace doctor
