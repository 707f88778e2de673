// One TaskManager that hangs keeps the JobManager from fetching any metrics (FLINK-29134), and it
// goes on showing the old ones: told from the clocks among them, which all stand still.
#include <gmock/gmock.h>

#include "tests/unit/rest_source_fixture.hpp"

namespace doctor {
namespace {

constexpr DurationMs kPollMs = 5 * kSecondMs;
constexpr const char* kNote = "has fetched no metrics for";

class RestFrozenTest : public RestSourceTest {
 protected:
  RestFrozenTest() { put_cluster(); }

  /// The clocks of the processes and of the task stand for how long they have run.
  void show(TimestampMs fetched_at) {
    const int ran = static_cast<int>(fetched_at - 900'000);
    put_process("/jobmanager/metrics", ran);
    put_process("/taskmanagers/tm%3A1-a/metrics", ran);
    http.put("/jobs/" + kOrders + "/vertices/" + kMap, vertex(ran));
  }
  bool said() const {
    const SourceHealth now_known = health();
    EXPECT_TRUE(now_known.up);
    return now_known.last_error && now_known.last_error->message.find(kNote) != std::string::npos;
  }
};

TEST_F(RestFrozenTest, AMinuteWithoutAFetchIsSaidUntilTheNextOne) {
  for (int i = 0; i < 12; ++i) {
    show(now);
    poll(kPollMs);
    EXPECT_FALSE(said()) << i;
  }
  const TimestampMs frozen_at = now;
  int first_said = 0;
  for (int i = 0; i < 30; ++i) {
    poll(kPollMs);
    if (first_said == 0 && said()) first_said = static_cast<int>(now - frozen_at);
    EXPECT_EQ(said(), first_said != 0) << "also by polls that read no clock: " << i;
  }
  EXPECT_GT(first_said, kMinuteMs);
  EXPECT_LE(first_said, kMinuteMs + 3 * kPollMs);
  EXPECT_THAT(emitted<Batch>(), testing::IsEmpty()) << "old values are not told again";
  show(now);
  for (int i = 0; i < 3; ++i) poll(kPollMs);
  EXPECT_FALSE(said()) << "they move again";
}

TEST_F(RestFrozenTest, OneProcessThatStandsStillIsNotTheWholeStore) {
  const std::string still = "/taskmanagers/tm%3A1-a/metrics";
  for (int i = 0; i < 40; ++i) {
    show(now);
    put_process(still, 100);
    poll(kPollMs);
    EXPECT_FALSE(said()) << i;
  }
}

TEST_F(RestFrozenTest, WithReportersNothingIsReadHereAndNothingSaid) {
  source().set_reporters_present(true, true);
  for (int i = 0; i < 40; ++i) {
    poll(kPollMs);
    EXPECT_FALSE(said()) << i;
  }
}

}  // namespace
}  // namespace doctor
