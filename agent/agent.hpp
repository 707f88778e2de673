// The agent: one loop thread that takes the next thing from the stream, absorbs it, judges what is
// due, updates incidents and publishes a View. Everything else only feeds the stream or reads
// Views.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/backfill/backfill.hpp"
#include "agent/collection.hpp"
#include "agent/config/config.hpp"
#include "agent/delivery/bell.hpp"
#include "agent/delivery/notifier_stats.hpp"
#include "agent/history/features.hpp"
#include "agent/judge.hpp"
#include "agent/keeper.hpp"
#include "agent/logs/log_collection.hpp"
#include "agent/net/resolver.hpp"
#include "agent/net/server.hpp"
#include "agent/recording/recorder.hpp"
#include "agent/spare_memory.hpp"
#include "agent/view.hpp"
#include "collectors/http.hpp"
#include "collectors/reporter.hpp"

namespace doctor {

class Agent {
 public:
  explicit Agent(Config config);
  ~Agent();

  /// The daemon: until SIGTERM or SIGINT. Fails only as it begins (port taken, data directory).
  Status run();

 private:
  void take(StreamItem item);
  void absorb(StreamItem item);
  void judge_now(ClusterIndex cluster, TimestampMs now);
  void publish(TimestampMs now);
  CuratedSamples samples_of(const Judge& judge, TimestampMs now);
  void log_changes();
  Status open_keeper();
  Status recall_past();
  Status start_recorder(const std::vector<Memory>& restored);
  void recollect();
  Status serve();
  void spawn_collections();
  void begin();
  void spawn(const std::string& name, std::function<boost::asio::awaitable<void>()> loop);
  void start_collection(ClusterIndex cluster);
  boost::asio::awaitable<void> backfill_loop(ClusterIndex cluster);
  boost::asio::awaitable<void> tick_loop();
  boost::asio::awaitable<void> watch_signals();
  void stop();

  Config config_;
  Bell news_;  // rung when there is a newer view
  boost::asio::io_context io_{1};
  Resolver resolver_;
  std::unique_ptr<Http> http_;
  FeaturePlan plan_;
  Selection selection_;
  std::shared_ptr<SeriesBudget> budget_;  // of all judges
  std::vector<std::unique_ptr<Judge>> judges_;
  /// For the sake of a scrape not before.
  std::map<ClusterIndex, std::chrono::steady_clock::time_point> judge_again_;
  std::vector<std::unique_ptr<Collection>> collections_;
  std::vector<std::unique_ptr<LogCollection>> logs_;
  std::map<ClusterIndex, std::unique_ptr<Backfill>> backfills_;
  NotifierStats stats_;
  std::map<std::uint64_t, std::unique_ptr<boost::asio::cancellation_signal>> cancellations_;
  std::uint64_t spawned_{0};
  ViewPort port_;
  AgentHealth health_;
  SpareMemory spare_memory_;
  std::unique_ptr<Keeper> keeper_;
  std::unique_ptr<Recorder> recorder_;
  std::string recorder_logged_{"ok"};  // state last logged
  std::unique_ptr<Server> server_;
  std::string store_logged_;                   // state last logged
  std::map<std::string, std::string> logged_;  // finding id → state last logged
  std::map<std::string, std::pair<CuratedSamples, TimestampMs>> samples_;  // cluster → when made
  bool knows_past_{false};         // from here on items are taken as they come
  std::vector<StreamItem> early_;  // those that came before
  Status begun_{Done{}};
  boost::asio::steady_timer patience_{io_};
  std::size_t running_{0};
  bool stopping_{false};
  bool failed_{false};
};

}  // namespace doctor
