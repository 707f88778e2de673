// The probe's page: our own reader takes all of it, and the README knows every name.
#include "agent/delivery/probe_page.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>

#include "agent/probe.hpp"
#include "collectors/exposition/reader.hpp"
#include "tests/unit/host_fixtures.hpp"

namespace doctor::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string page_of(const std::string& name) {
  ProbeOptions options;
  options.roots = machine(name);
  return probe_once(options).page;
}

class Names final : public exposition::Sink {
 public:
  bool wants(std::string_view name) override { return names.emplace(name), true; }
  void sample(std::string_view name, std::span<const exposition::Label> labels, double) override {
    std::string series(name);
    for (const auto& [label, value] : labels) series.append(label).append("=").append(value);
    EXPECT_TRUE(series_.insert(series).second) << series << " is there twice";
  }
  std::set<std::string> names;

 private:
  std::set<std::string> series_;
};

std::set<std::string> names_in(const std::string& page) {
  Names names;
  exposition::Reader reader(names, 64U << 10U);
  reader.feed(page);
  reader.finish();
  EXPECT_EQ(reader.stats().faults_total(), 0U);
  EXPECT_GT(reader.stats().samples, 10U);
  return names.names;
}

TEST(ProbePage, IsReadWithoutFault) {
  for (const char* name : {"vm", "container-v1", "shared-pid", "broken"}) {
    SCOPED_TRACE(name);
    names_in(page_of(name));
  }
}

TEST(ProbePage, SaysWhatTheReadmeSays) {
  std::ostringstream readme;
  readme << std::ifstream(std::string(DOCTOR_SOURCE_DIR) + "/README.md").rdbuf();
  for (const std::string& name : names_in(page_of("vm"))) {
    if (!name.starts_with("flink_doctor_probe_")) continue;
    EXPECT_THAT(readme.str(), HasSubstr("`" + name.substr(19) + "`")) << name;
  }
}

TEST(ProbePage, HasTypesUnitsAndLabels) {
  const std::string page = page_of("vm");
  EXPECT_THAT(page, HasSubstr("# TYPE flink_doctor_probe_process_resident_memory_bytes gauge\n"));
  EXPECT_THAT(page,
              HasSubstr("flink_doctor_probe_process_resident_memory_bytes{host=\"vm7\",process="
                        "\"taskmanager\",pid=\"4242\",tm_id=\"10.0.0.7:41251-8c5a02\",cluster_id="
                        "\"orders\"} 1950351360\n"));
  EXPECT_THAT(page, HasSubstr("# TYPE flink_doctor_probe_cgroup_memory_oom_kills_total counter\n"));
  EXPECT_THAT(page, HasSubstr("flink_doctor_probe_unreadable{host=\"vm7\",what=\"savepoint_"
                              "directory\",reason=\"remote\"} 2\n"));
}

TEST(ProbePage, LeavesOutWhatIsAbsentAndWhatIsSecret) {
  const std::string page = page_of("container-v1");
  EXPECT_THAT(page, Not(HasSubstr("process_max_fds{host")));  // unlimited
  EXPECT_THAT(page, Not(HasSubstr("blob_connections")));      // no JobManager
  EXPECT_THAT(page, Not(HasSubstr("cgroup_pressure")));       // v1
  EXPECT_THAT(page, Not(HasSubstr("never-shown")));
  EXPECT_THAT(page_of("vm"), Not(HasSubstr("never-shown")));
}

TEST(ProbePage, ShowsItsOwnStateWithoutARound) {
  ProbePageInput input;
  input.health.stalled = true;
  input.health.hanging = 3;
  const std::string page = probe_page(input);
  EXPECT_THAT(page, HasSubstr("flink_doctor_probe_stalled 1\n"));
  EXPECT_THAT(page, HasSubstr("flink_doctor_probe_hanging_reads 3\n"));
  EXPECT_THAT(page, Not(HasSubstr("last_round")));
}

TEST(ProbePage, StaysBelowItsCap) {
  DiskFiles files;
  const host::HostReport report = host::HostProbe(files, machine("vm")).collect();
  ProbePageInput input;
  input.report = &report;
  input.series_max = 20;
  const std::string page = probe_page(input);
  EXPECT_LE(std::count(page.begin(), page.end(), '\n'), 21 * 3);
  EXPECT_THAT(page, Not(HasSubstr("page_series_omitted 0\n")));
}

TEST(ProbeOnce, CountsWhatItSaw) {
  ProbeOptions options;
  options.roots = machine("shared-pid");
  const ProbeOnce once = probe_once(options);
  EXPECT_EQ(once.flink_processes, 1U);
  EXPECT_EQ(once.processes_seen, 1U);
}

}  // namespace
}  // namespace doctor::test
