#include "agent/backfill/walk.hpp"

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <utility>

#include "model/text.hpp"

namespace doctor {
namespace {

namespace asio = boost::asio;
using query_range::Asked;
using query_range::Slice;
using query_range::Span;

constexpr DurationMs kSliceMs = 6 * kHourMs;
constexpr DurationMs kSliceMinMs = 5 * kMinuteMs;
constexpr std::size_t kNamesBytes = 600;  // of a selector: some six metrics
constexpr std::size_t kWarningsMax = 10;

asio::awaitable<void> pause(DurationMs pause_ms) {
  asio::steady_timer timer(co_await asio::this_coro::executor);
  timer.expires_after(std::chrono::milliseconds(pause_ms));
  co_await timer.async_wait(asio::use_awaitable);
}

TimestampMs on_grid(TimestampMs at, DurationMs step) { return at - at % step; }

}  // namespace

Walk::Walk(const BackfillSettings& settings, std::vector<MetricDepth> depths, WalkPorts ports,
           WalkPace pace)
    : settings_(settings),
      depths_(std::move(depths)),
      ports_(std::move(ports)),
      pace_(pace),
      slice_ms_(kSliceMs) {}

/// Ends where more metrics become worth asking for.
Span Walk::next_span(TimestampMs at, TimestampMs to) const {
  TimestampMs end = std::min(to, at + slice_ms_);
  for (const auto& [metric, depth_ms] : depths_) {
    const TimestampMs begins = on_grid(to - depth_ms, settings_.step_ms);
    if (begins > at) end = std::min(end, begins);
  }
  const DurationMs step = settings_.step_ms;
  return {at, step, static_cast<std::size_t>((end - at + step - 1) / step)};
}

/// `at`, or later when at the pace so far not all from there on can be read in time. Slices near
/// the present are slower than the average: more metrics are worth asking for there.
TimestampMs Walk::next_begin(TimestampMs at, TimestampMs to, TimestampMs give_up_at) const {
  constexpr double kReserve = 0.7;
  const TimestampMs now = ports_.clock();
  const auto took = static_cast<double>(now - walking_since_);
  if (took <= 0 || read_ms_ <= 0) return at;
  const double left = static_cast<double>(give_up_at) - static_cast<double>(now);
  const double affordable_ms = kReserve * left * static_cast<double>(read_ms_) / took;
  if (affordable_ms >= static_cast<double>(to - at)) return at;
  const auto skipped = to - at - static_cast<DurationMs>(std::max(affordable_ms, 0.0));
  return std::min(to - settings_.step_ms, at + on_grid(skipped, settings_.step_ms));
}

asio::awaitable<Walked> Walk::run(TimestampMs from, TimestampMs to, TimestampMs give_up_at) {
  walked_ = {};
  from = on_grid(from + settings_.step_ms - 1, settings_.step_ms);
  to = on_grid(to, settings_.step_ms);
  const TimestampMs began = from;
  walking_since_ = ports_.clock();
  read_ms_ = 0;
  while (from < to) {
    if (ports_.clock() >= give_up_at) {
      walked_.status = Error{ErrorCode::timeout, "it takes too long"};
      break;
    }
    const Span span = next_span(from, to);
    Slice slice(span, *ports_.selection, *ports_.limits);
    const Asked asked = co_await read(span, to, slice);
    if (!asked.answer && asked.less && slice_ms_ > kSliceMinMs) {
      slice_ms_ = std::max(kSliceMinMs, std::min(slice_ms_, span.end() - span.from) / 2);
      continue;
    }
    if (!asked.answer) {
      walked_.status = asked.answer.error();
      break;
    }
    const query_range::Past past = std::move(slice).finish(known_, *ports_.entities);
    walked_.samples += past.samples();
    walked_.series_dropped += past.series_dropped();
    from = span.end();
    read_ms_ += span.end() - span.from;
    ports_.told(past, static_cast<double>(from - began) / static_cast<double>(to - began));
    const TimestampMs begin = from < to ? next_begin(from, to, give_up_at) : from;
    walked_.skipped_ms += begin - from;
    from = begin;
  }
  co_return std::move(walked_);
}

/// All questions about one slice; the first failure ends it.
asio::awaitable<Asked> Walk::read(Span span, TimestampMs now, Slice& slice) {
  const std::vector<Metric> metrics = worth_asking(depths_, span.end(), now);
  const std::vector<std::string> selectors =
      query_range::selectors(metrics, settings_.match, kNamesBytes);
  Asked all{query_range::Answer{}};
  for (const std::string& selector : selectors) {
    const std::string target =
        query_range::range_target(selector, span.from, span.end() - span.step, span.step);
    all = co_await ask(target, slice);
    if (!all.answer) break;
    note(*all.answer);
  }
  co_return all;
}

/// One question, again after a while where that may help: what failed so left nothing in the slice.
asio::awaitable<Asked> Walk::ask(const std::string& target, Slice& slice) {
  DurationMs back_off_ms = pace_.back_off_ms;
  for (int tries = 1;; ++tries) {
    const auto began = std::chrono::steady_clock::now();
    Asked asked =
        co_await query_range::ask(*ports_.http, settings_.store, target, slice, *ports_.limits);
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::steady_clock::now() - began);
    if (asked.answer || !asked.later || tries >= pace_.tries_max) {
      co_await pause(std::min<DurationMs>(took.count(), pace_.rest_max_ms));
      co_return asked;
    }
    co_await pause(back_off_ms);
    back_off_ms *= 2;
  }
}

void Walk::note(const query_range::Answer& answer) {
  std::vector<std::string>& all = walked_.warnings;
  for (const std::string& warning : answer.warnings) {
    const bool is_new = std::find(all.begin(), all.end(), warning) == all.end();
    if (is_new && all.size() < kWarningsMax) all.push_back(warning);
  }
}

}  // namespace doctor
