#include "agent/logs/log_watch.hpp"

#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <utility>

#include "agent/thread.hpp"

namespace doctor {
namespace {

constexpr DurationMs kHangsAfterMs = 10 * kSecondMs;

}  // namespace

/// All that the loop and the thread share.
struct LogWatch::Mailbox {
  struct Answer {
    LogRound round;
    DurationMs took_ms{};
    std::exception_ptr bug;
  };

  explicit Mailbox(Follow a_follow) : follow(std::move(a_follow)) {}
  static bool start(const std::shared_ptr<Mailbox>& self);
  static void work(std::shared_ptr<Mailbox> self);
  Answer answer_to(TimestampMs now);

  const Follow follow;  // called by the thread alone
  std::mutex mutex;
  std::condition_variable wake;
  std::optional<TimestampMs> wish;
  std::optional<Answer> answer;
  bool stopping{false};
};

LogWatch::LogWatch(SourceId source, std::string glob, Follow follow)
    : mailbox_(std::make_shared<Mailbox>(std::move(follow))) {
  health_.id = source;
  health_.kind = SourceKind::logs;
  health_.address = std::move(glob);
  if (Mailbox::start(mailbox_)) return;
  health_.last_error = Error{ErrorCode::io, "no thread could be started to read log files"};
  mailbox_.reset();
}

LogWatch::~LogWatch() {
  if (!mailbox_) return;
  const std::lock_guard lock(mailbox_->mutex);
  mailbox_->stopping = true;
  mailbox_->wake.notify_all();
}

LogWatch::News LogWatch::step(TimestampMs now) {
  News news;
  if (health_.since == 0) health_.since = now;
  if (!mailbox_) {
    news.health = health_;
    return news;
  }
  std::optional<Mailbox::Answer> answer;
  {
    const std::lock_guard lock(mailbox_->mutex);
    answer = std::exchange(mailbox_->answer, std::nullopt);
    if (answer || !asked_at_) {
      mailbox_->wish = now;
      mailbox_->wake.notify_all();
    }
  }
  const bool hanging = !answer && hangs(now);
  if (answer || !asked_at_) asked_at_ = now;
  if (answer && answer->bug) std::rethrow_exception(answer->bug);
  if (answer) {
    took(answer->round, answer->took_ms, now);
    news.events = std::move(answer->round.events);
  }
  if (answer || hanging) news.health = health_;
  return news;
}

void LogWatch::took(LogRound& round, DurationMs took_ms, TimestampMs now) {
  told_hanging_ = false;
  for (LogEvent& event : round.events) event.source = health_.id;
  const bool up = round.reading.files > 0;
  if (up != health_.up) health_.since = now;
  health_.up = up;
  health_.ever_up = health_.ever_up || up;
  if (up) health_.last_success = now;
  ++health_.exchanges;
  if (round.fault) ++health_.errors[round.fault->code];
  health_.last_error = std::move(round.fault);
  health_.bytes = round.bytes;
  health_.busy_ms += took_ms;
  health_.logs = std::move(round.reading);
}

/// True once for each round that hangs.
bool LogWatch::hangs(TimestampMs now) {
  if (!asked_at_ || now - *asked_at_ < kHangsAfterMs || told_hanging_) return false;
  told_hanging_ = true;
  if (health_.up) health_.since = now;
  health_.up = false;
  ++health_.errors[ErrorCode::timeout];
  health_.last_error = Error{ErrorCode::timeout, "the file system does not answer"};
  return true;
}

bool LogWatch::Mailbox::start(const std::shared_ptr<Mailbox>& self) {
  return start_detached_thread([self] { work(self); });
}

void LogWatch::Mailbox::work(std::shared_ptr<Mailbox> self) {
  std::unique_lock lock(self->mutex);
  for (;;) {
    self->wake.wait(lock, [&] { return self->stopping || self->wish; });
    if (self->stopping) return;
    const TimestampMs now = *std::exchange(self->wish, std::nullopt);
    lock.unlock();
    Answer answer = self->answer_to(now);
    lock.lock();
    self->answer = std::move(answer);
  }
}

LogWatch::Mailbox::Answer LogWatch::Mailbox::answer_to(TimestampMs now) {
  Answer given;
  const auto began = std::chrono::steady_clock::now();
  try {
    given.round = follow(now);
  } catch (...) {
    given.bug = std::current_exception();
  }
  given.took_ms = std::chrono::duration_cast<std::chrono::milliseconds>(
                      std::chrono::steady_clock::now() - began)
                      .count();
  return given;
}

}  // namespace doctor
