// Collection: keeps asking one cluster. One coroutine per source, each on its own drift-free clock;
// what they learn goes into the stream through `emit`. Loop thread only.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>
#include <vector>

#include "agent/config/config.hpp"
#include "collectors/http.hpp"
#include "collectors/reporter.hpp"
#include "collectors/rest/source.hpp"
#include "model/entity.hpp"
#include "model/stream.hpp"

namespace doctor {

class Collection {
 public:
  using Emit = std::function<void(StreamItem)>;
  using Loop = std::function<boost::asio::awaitable<void>()>;

  Collection(ClusterIndex cluster, const ClusterConfig& config, const Config& agent, Http& http,
             const Selection& selection, EntityTable& entities, bool one_shot, Emit emit);

  /// The loops to spawn; each runs until it is cancelled.
  std::vector<Loop> loops();
  /// Everything once, for `check`.
  boost::asio::awaitable<void> poll_once();

 private:
  /// One endpoint that may hold a reporter. In a range most hold nothing, and that is no fault.
  struct Target {
    Endpoint endpoint;
    std::size_t range{};
    SourceHealth health;
    std::shared_ptr<const Layout> layout;
  };
  struct Range {
    SourceHealth health;  // stands for all its ports until one of them has answered
    std::size_t ports{};
    std::size_t answering{};
    bool shown{false};
  };

  boost::asio::awaitable<void> rest_loop();
  boost::asio::awaitable<void> reporter_loop(std::size_t target);
  boost::asio::awaitable<void> scrape(Target& target);
  void succeeded(Target& target, Scrape scrape, DurationMs took_ms);
  void failed(Target& target, const Error& error, DurationMs took_ms);
  std::string role_of(EntityId process) const;
  void show_range(Range& range, const Error* error);
  void tell_rest_about_reporters();
  void send(StreamItem item) { emit_(std::move(item)); }
  void send(const SourceHealth& health);

  ClusterIndex cluster_;
  const Config& agent_;
  Http& http_;
  const Selection& selection_;
  EntityTable& entities_;
  Emit emit_;
  std::vector<Range> ranges_;
  std::vector<std::unique_ptr<Target>> targets_;
  std::unique_ptr<RestSource> rest_;
};

}  // namespace doctor
