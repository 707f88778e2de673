// A RestSource over a FakeHttp, with a clock that stands still until it is told to move.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "collectors/rest/source.hpp"
#include "tests/unit/fake_http.hpp"

namespace doctor {

inline const std::string kOrders = "cc2c7403def880cd1eab44f7d4bb09d3";
inline const std::string kMap = "ea632d67b7d595e5b851708ae9ad79d6";

class RestSourceTest : public testing::Test {
 protected:
  RestSourceTest() { config.candidates = {Endpoint{"jm-a", 8081, ""}}; }

  RestSource& source() {
    if (!source_) {
      config.source = 7;
      config.name = "test";
      source_ = std::make_unique<RestSource>(
          config, http, entities, limits, [this] { return now; },
          [this](StreamItem item) { items.push_back(std::move(item)); });
    }
    return *source_;
  }

  /// One whole poll, then the clock moves on. What was emitted is in `items`.
  void poll(DurationMs then_ms = 15'000) {
    items.clear();
    http.requests.clear();
    boost::asio::io_context loop;
    std::exception_ptr thrown;
    boost::asio::co_spawn(loop, source().poll(),
                          [&](std::exception_ptr error) { thrown = std::move(error); });
    loop.run();
    EXPECT_FALSE(thrown);
    now += then_ms;
  }

  /// A poll that is cancelled once nothing moves any more.
  void poll_and_cancel() {
    items.clear();
    boost::asio::io_context loop;
    boost::asio::cancellation_signal stop;
    bool ended = false;
    boost::asio::co_spawn(loop, source().poll(),
                          boost::asio::bind_cancellation_slot(
                              stop.slot(), [&](const std::exception_ptr&) { ended = true; }));
    loop.poll();
    EXPECT_FALSE(ended) << "nothing hung";
    stop.emit(boost::asio::cancellation_type::all);
    loop.restart();
    loop.run();
    EXPECT_TRUE(ended);
  }

  template <class T>
  std::vector<T> emitted() const {
    std::vector<T> found;
    for (const StreamItem& item : items) {
      if (const T* value = std::get_if<T>(&item.what)) found.push_back(*value);
    }
    return found;
  }
  SourceHealth health() const {
    const auto all = emitted<SourceHealth>();
    EXPECT_EQ(all.size(), 1U);
    return all.empty() ? SourceHealth{} : all.front();
  }
  std::vector<EventKind> events() const {
    std::vector<EventKind> kinds;
    for (const Event& event : emitted<Event>()) kinds.push_back(event.kind);
    return kinds;
  }

  static std::string row(const std::string& id, const std::string& state, TimestampMs modified,
                         int running = 2) {
    const bool ended = is_terminal_state(state);
    return R"({"jid":")" + id + R"(","name":"orders","start-time":1000,"end-time":)" +
           (ended ? std::to_string(modified) : "-1") + R"(,"state":")" + state +
           R"(","last-modification":)" + std::to_string(modified) +
           R"(,"tasks":{"total":2,"running":)" + std::to_string(running) + "}}";
  }
  void put_jobs(const std::string& rows) {
    http.put("/jobs/overview", "{\"jobs\":[" + rows + "]}");
  }

  /// A small healthy cluster: one TaskManager, one job with one vertex.
  void put_cluster() {
    http.put("/config", R"({"flink-version":"1.20.5"})");
    http.put("/taskmanagers", R"({"taskmanagers":[{"id":"tm:1-a","path":"pekko.tcp://f@h1:1/u",
      "slotsNumber":2,"freeSlots":0}]})");
    http.put("/jobmanager/config", R"([{"key":"a.b","value":"c"}])");
    http.put("/jobmanager/environment", R"({"jvm":{"options":["-XX:MaxMetaspaceSize=256m"]}})");
    put_jobs(row(kOrders, "RUNNING", 5000));
    const std::string job = "/jobs/" + kOrders;
    http.put(job, R"({"jid":")" + kOrders + R"(","name":"orders","state":"RUNNING",
      "start-time":1000,"end-time":-1,"timestamps":{"RUNNING":2000},"vertices":[{"id":")" +
                      kMap + R"(","name":"map","parallelism":2}],"plan":{"nodes":[]}})");
    http.put(job + "/config", R"({"execution-config":{"restart-strategy":"none"}})");
    http.put(job + "/checkpoints", R"({"counts":{"restored":0,"total":0,"in_progress":0,
      "completed":0,"failed":0},"latest":null,"history":[]})");
    http.put(job + "/checkpoints/config", R"({"interval":5000,"timeout":60000})");
    http.put(job + "/exceptions", R"({"exceptionHistory":{"entries":[]}})");
    http.put(job + "/metrics", R"([{"id":"numRestarts","value":"3"}])");
    http.put(job + "/vertices/" + kMap, vertex(5000));
    put_process("/jobmanager/metrics", 100);
    put_process("/taskmanagers/tm%3A1-a/metrics", 100);
  }
  static std::string vertex(int busy_ms) {
    return R"({"id":")" + kMap + R"(","subtasks":[{"subtask":0,"status":"RUNNING","attempt":0,
      "endpoint":"h1:1","taskmanager-id":"tm:1-a","metrics":{"read-records":1,
      "read-records-complete":true,"write-records":1,"write-records-complete":true,
      "accumulated-busy-time":)" +
           std::to_string(busy_ms) + R"(,"accumulated-idle-time":0,
      "accumulated-backpressured-time":0}}]})";
  }
  /// The list of ids and the values are the same text here: parsers read what they need.
  void put_process(const std::string& target, int cpu) {
    http.put(target, R"([{"id":"Status.JVM.CPU.Time","value":")" + std::to_string(cpu) +
                         R"("},{"id":"Status.JVM.GarbageCollector.G1_Old_Generation.Count",
      "value":"4"}])");
  }

  RestSourceConfig config;
  Limits limits;
  FakeHttp http;
  EntityTable entities{10'000};
  TimestampMs now{1'000'000};
  std::vector<StreamItem> items;

 private:
  std::unique_ptr<RestSource> source_;
};

}  // namespace doctor
