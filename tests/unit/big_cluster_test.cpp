// What a big cluster costs its JobManager: 200 TaskManagers, and a job of five vertices with 1,000
// subtasks each, polled every 5 s for twelve minutes: 201 pages of processes, 18 a minute, and what
// is uneven.
#include <gmock/gmock.h>

#include <algorithm>
#include <deque>
#include <map>
#include <numeric>

#include "tests/unit/rest_source_fixture.hpp"

namespace doctor {
namespace {

constexpr int kTaskManagers = 200;
constexpr int kVertices = 5;
constexpr int kParallelism = 1000;
constexpr DurationMs kPollMs = 5 * kSecondMs;
constexpr int kPolls = 144;

std::string task_manager(int i) {
  return "tm-" + std::to_string(i) + ":6122-" + std::to_string(100000 + i);
}
std::string task_manager_path(int i) {
  std::string id = task_manager(i);
  id.replace(id.find(':'), 1, "%3A");
  return "/taskmanagers/" + id + "/metrics";
}
std::string vertex_id(int i) { return std::string(31, 'a') + std::to_string(i); }

class BigClusterTest : public RestSourceTest {
 protected:
  BigClusterTest() {
    put_cluster();
    put_task_managers();
    put_job();
    config.metrics = {Metric::jvm_metaspace_used, Metric::gc_count, Metric::task_accumulated_busy,
                      Metric::rocksdb_block_cache_usage};
  }

  void put_task_managers() {
    std::string rows;
    for (int i = 0; i < kTaskManagers; ++i) {
      rows += (i == 0 ? "" : ",") + std::string(R"({"id":")") + task_manager(i) +
              R"(","path":"pekko.tcp://flink@10.0.0.1:6122/user/rpc/taskmanager_0",
              "slotsNumber":25,"freeSlots":0,"totalResource":{},"freeResource":{},"hardware":{},
              "memoryConfiguration":{"taskHeap":1073741824,"managedMemory":1073741824}})";
      put_process(task_manager_path(i), 100);
    }
    http.put("/taskmanagers", R"({"taskmanagers":[)" + rows + "]}");
  }

  void put_job() {
    std::string vertices;
    for (int v = 0; v < kVertices; ++v) {
      vertices += (v == 0 ? "" : ",") + std::string(R"({"id":")") + vertex_id(v) +
                  R"(","name":"v)" + std::to_string(v) + R"(","parallelism":1000})";
      put_vertex(v);
    }
    const std::string job = "/jobs/" + kOrders;
    http.put(job, R"({"jid":")" + kOrders + R"(","name":"orders","state":"RUNNING",
      "start-time":1000,"end-time":-1,"timestamps":{"RUNNING":2000},"vertices":[)" +
                      vertices + R"(],"plan":{"nodes":[]}})");
  }

  void put_vertex(int v) {
    std::string subtasks;
    for (int i = 0; i < kParallelism; ++i) {
      subtasks += (i == 0 ? "" : ",") + std::string(R"({"subtask":)") + std::to_string(i) +
                  R"(,"status":"RUNNING","attempt":0,"endpoint":"10.0.0.1:6122","start-time":1,
        "end-time":-1,"duration":1000,"metrics":{"read-bytes":0,"read-bytes-complete":true,
        "write-bytes":0,"write-bytes-complete":true,"read-records":0,"read-records-complete":true,
        "write-records":0,"write-records-complete":true,"accumulated-backpressured-time":0,
        "accumulated-idle-time":0,"accumulated-busy-time":5},"taskmanager-id":")" +
                  task_manager(i % kTaskManagers) + R"(","status-duration":{"RUNNING":1}})";
    }
    const std::string path = "/jobs/" + kOrders + "/vertices/" + vertex_id(v);
    http.put(path, R"({"id":")" + vertex_id(v) + R"(","name":"v","parallelism":1000,"subtasks":[)" +
                       subtasks + "]}");
    http.put(path + "/subtasks/metrics",
             R"([{"id":"Map.state.rocksdb_block-cache-usage"},{"id":"numRecordsIn"}])");
    http.put(path + "/metrics", "[]");
  }

  /// Polls for twelve minutes; what each minute cost is in `calls` and `bytes`.
  void run() {
    for (int i = 0; i < kPolls; ++i) {
      poll(kPollMs);
      double bytes = 0;
      for (const HttpRequest& request : http.requests) {
        bytes += static_cast<double>(size_of(request.target));
        ++asked[request.target.substr(0, request.target.find('?'))];
      }
      calls.push_back(static_cast<double>(http.requests.size()));
      wire_bytes.push_back(bytes);
    }
  }
  std::size_t size_of(const std::string& target) const {
    auto found = http.script.find(target);
    if (found == http.script.end()) found = http.script.find(target.substr(0, target.find('?')));
    return found == http.script.end() ? 100 : found->second.front().body.size();
  }
  /// No twelve polls in a row take more than `most`; those with one of the first minute, in which
  /// all is new, not more than twice that.
  static void expect_within(const std::vector<double>& per_poll, double most) {
    for (std::size_t i = 0; i + 12 <= per_poll.size(); ++i) {
      const auto from = per_poll.begin() + static_cast<std::ptrdiff_t>(i);
      EXPECT_LE(std::accumulate(from, from + 12, 0.0), i < 12 ? 2 * most : most)
          << "from poll " << i;
    }
  }

  std::vector<double> calls, wire_bytes;
  std::map<std::string, int> asked;
};

TEST_F(BigClusterTest, WithReportersItStaysFarInsideTheBudget) {
  source().set_reporters_present(true, true);
  run();
  expect_within(calls, limits.rest_calls_per_minute_max);
  expect_within(wire_bytes, limits.rest_bytes_per_minute_max);
  for (int i = 0; i < kTaskManagers; ++i) EXPECT_EQ(asked[task_manager_path(i)], 0);
}

TEST_F(BigClusterTest, WithoutReportersItStaysInsideTheBudgetAndEveryoneHasATurn) {
  run();
  expect_within(calls, limits.rest_calls_per_minute_max);
  expect_within(wire_bytes, limits.rest_bytes_per_minute_max);
  int unread = 0;
  for (int i = 0; i < kTaskManagers; ++i) unread += asked[task_manager_path(i)] == 0 ? 1 : 0;
  EXPECT_EQ(unread, 0);
  for (int v = 0; v < kVertices; ++v) {
    // Within the 90 s after which a value is history.
    EXPECT_GE(asked["/jobs/" + kOrders + "/vertices/" + vertex_id(v)], kPolls * 5 / 90) << v;
  }
  EXPECT_GE(asked["/jobs/" + kOrders + "/checkpoints"], kPolls / 12);
  for (const auto& [path, times] : asked) {
    const std::size_t at = path.find("/subtasks/");
    if (at != std::string::npos) {
      EXPECT_EQ(path.substr(at), "/subtasks/metrics") << times;
    }
  }
}

}  // namespace
}  // namespace doctor
