// LogWatch: follows one glob without ever blocking the loop. A thread of its own reads, one round
// at a time; the loop leaves a wish and finds the last result. A file system that hangs keeps the
// thread, which nobody waits for; the source is then down.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/logs/log_follower.hpp"
#include "model/log.hpp"
#include "model/source.hpp"

namespace doctor {

class LogWatch {
 public:
  /// One round; runs on the thread and may block. Tests put a hanging one here.
  using Follow = std::function<LogRound(TimestampMs now)>;

  struct News {
    std::optional<SourceHealth> health;
    std::vector<LogEvent> events;
  };

  LogWatch(SourceId source, std::string glob, Follow follow);
  ~LogWatch();  // never waits for a round that hangs
  LogWatch(const LogWatch&) = delete;
  LogWatch& operator=(const LogWatch&) = delete;

  /// Takes what the last round found, if it has ended, and asks for the next. Never blocks. What a
  /// round threw, which is a bug, is thrown here.
  News step(TimestampMs now);

 private:
  struct Mailbox;
  void took(LogRound& round, DurationMs took_ms, TimestampMs now);
  bool hangs(TimestampMs now);

  std::shared_ptr<Mailbox> mailbox_;
  SourceHealth health_;
  std::optional<TimestampMs> asked_at_;  // of the round that runs
  bool told_hanging_{false};
};

}  // namespace doctor
