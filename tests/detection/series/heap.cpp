#include "tests/detection/series/heap.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace doctor::detection {
namespace {

constexpr TimestampMs kBegin = 20'000 * kDayMs;
constexpr double kGib = 1024.0 * 1024.0 * 1024.0;
constexpr double kFull = 0.97;  // live data beyond this ends the process
constexpr int kMixedCollections = 6;

constexpr std::array<std::string_view, 12> kNames{"linear_leak",
                                                  "load_leak",
                                                  "restarted_leak",
                                                  "tides",
                                                  "slow_collections",
                                                  "warm_up",
                                                  "cache_to_capacity",
                                                  "organic",
                                                  "deployments",
                                                  "restarts",
                                                  "gaps",
                                                  "noise"};

double step_of(double per_tau, double tau_ms, double dt) {
  return per_tau * std::sqrt(1 - std::exp(-2 * dt / tau_ms));
}

}  // namespace

std::string_view to_string(HeapFamily family) {
  return kNames.at(static_cast<std::size_t>(family));
}

bool leaks(HeapFamily family) { return family <= HeapFamily::restarted_leak; }

HeapSeries::HeapSeries(HeapFamily family, unsigned seed, const HeapRanges& ranges)
    : family_(family),
      random_(seed * 1000003ULL + static_cast<unsigned>(family)),
      widen_(ranges.widened) {
  constexpr std::array<DurationMs, 4> kScrapes{5, 15, 30, 60};
  scrape_ms_ = kScrapes.at(random_() % kScrapes.size()) * kSecondMs;
  if (ranges.scrape_ms > 0) scrape_ms_ = ranges.scrape_ms;
  begin_ = kBegin + static_cast<TimestampMs>(uniform(0, 7) * kDayMs);
  at_ = started_ = begin_;
  end_ = begin_ + ranges.length_ms;
  truth_.limit = log_uniform(0.5, 32) * kGib;
  draw_load();
  draw_family(ranges);
}

double HeapSeries::uniform(double low, double high) {
  return std::uniform_real_distribution<double>(low, high)(random_);
}

double HeapSeries::log_uniform(double low, double high) {
  return std::exp(uniform(std::log(low), std::log(high)));
}

/// Ranges that hardship lies in.
double HeapSeries::widened(double low, double high) { return uniform(low / widen_, high * widen_); }

void HeapSeries::draw_load() {
  const double exponent = uniform(-4.3, -1.7);
  allocation_per_ms_ = std::pow(10, exponent) / 1000;
  eden_max_ = uniform(0.1, 0.25);
  promoted_ = log_uniform(0.002, 0.05);
  ihop_ = 0.45;
  waste_ = uniform(0.01, 0.05);
  base_ = uniform(0.12, 0.3);
  per_load_ = uniform(0.02, 0.15);
  daily_ = uniform(0, 0.5);
  weekend_ = uniform(0.6, 1);
  phase_ = uniform(0, 1);
  load_tau_ms_ = uniform(10, 60) * kMinuteMs;
  noise_sd_ = uniform(0.001, 0.005);
  noise_tau_ms_ = uniform(0.2, 2) * kHourMs;
}

void HeapSeries::draw_family(const HeapRanges& ranges) {
  switch (family_) {
    case HeapFamily::linear_leak:
    case HeapFamily::load_leak:
    case HeapFamily::restarted_leak:
      return draw_leak(ranges);
    case HeapFamily::tides:
      daily_ = std::min(0.95, widened(0.2, 0.9));
      weekend_ = uniform(0.3, 1);
      per_load_ = uniform(0.02, 0.25);
      return;
    case HeapFamily::slow_collections: {
      // Garbage reaches the marking threshold after that long.
      const double period_ms = log_uniform(2 / widen_, 200 * widen_) * kHourMs;
      const double room = std::max(0.05, ihop_ - base_ - per_load_);
      allocation_per_ms_ = room / period_ms / promoted_;
      return;
    }
    case HeapFamily::warm_up:
    case HeapFamily::cache_to_capacity:
      cache_ = std::max(0.05, std::min(0.8, widened(0.4, 0.7)) - base_);
      cache_is_linear_ = family_ == HeapFamily::cache_to_capacity;
      cache_tau_ms_ = log_uniform(2 / widen_, 48 * widen_) * kHourMs;
      return;
    case HeapFamily::organic:
      organic_per_ms_ = widened(0.05, 0.3) / (7.0 * kDayMs);
      return;
    case HeapFamily::deployments:
    case HeapFamily::restarts:
      every_ = static_cast<DurationMs>(log_uniform(0.5, 6) * kDayMs);
      cache_ = uniform(0, 0.15);
      cache_tau_ms_ = log_uniform(0.5, 12) * kHourMs;
      break;
    case HeapFamily::gaps:
      every_ = static_cast<DurationMs>(log_uniform(0.1, 2) * kDayMs);
      daily_ = uniform(0.2, 0.9);
      break;
    case HeapFamily::noise:
      noise_sd_ = widened(0.01, 0.05);
      noise_tau_ms_ = log_uniform(1, 24) * kHourMs;
      return;
  }
  next_event_ = begin_ + static_cast<DurationMs>(uniform(0.1, 1) * static_cast<double>(every_));
}

void HeapSeries::draw_leak(const HeapRanges& ranges) {
  constexpr std::array kLives{3.0 * kHourMs, 6.0 * kHourMs, 1.0 * kDayMs,
                              3.0 * kDayMs,  5.0 * kDayMs,  10.0 * kDayMs};
  const double drawn_ms = kLives.at(random_() % kLives.size()) * uniform(1 / widen_, widen_);
  const double life_ms = ranges.life_ms > 0 ? ranges.life_ms : drawn_ms;
  leak_per_ms_ = (1 - base_ - per_load_) / life_ms;
  // Who leaks allocates, and not only what is leaked.
  allocation_per_ms_ = std::max(allocation_per_ms_, 10 * leak_per_ms_);
  truth_.slope_per_ms = leak_per_ms_ * truth_.limit;
  truth_.onset = begin_ + static_cast<TimestampMs>(uniform(1, 6) * kDayMs);
  end_ = truth_.onset + ranges.length_ms;
  if (family_ != HeapFamily::restarted_leak) return;
  truth_.onset = begin_;
  end_ = begin_ + ranges.length_ms;
  leak_per_ms_ = (1 - base_ - per_load_) / (log_uniform(12, 72) * kHourMs);
  allocation_per_ms_ = std::max(allocation_per_ms_, 10 * leak_per_ms_);
  truth_.slope_per_ms = leak_per_ms_ * truth_.limit;
  every_ = static_cast<DurationMs>(uniform(8, 48) * kHourMs);
  next_event_ = begin_ + every_;
}

double HeapSeries::load() {
  const auto dt = static_cast<double>(scrape_ms_);
  std::normal_distribution<double> normal;
  load_noise_ = load_noise_ * std::exp(-dt / load_tau_ms_) +
                step_of(0.08, load_tau_ms_, dt) * normal(random_);
  const double days = static_cast<double>(at_) / kDayMs;
  const double tide = 1 + daily_ * std::sin(2 * std::numbers::pi * (days + phase_));
  const bool weekend = std::fmod(days, 7) >= 5;
  const double growth = 1 + organic_per_ms_ * static_cast<double>(at_ - begin_);
  return std::max(0.02, tide * (weekend ? weekend_ : 1) * growth * (1 + load_noise_));
}

double HeapSeries::live(double load) {
  const auto dt = static_cast<double>(scrape_ms_);
  std::normal_distribution<double> normal;
  noise_ = noise_ * std::exp(-dt / noise_tau_ms_) +
           step_of(noise_sd_, noise_tau_ms_, dt) * normal(random_);
  const auto age = static_cast<double>(at_ - started_);
  double cached = 0;
  if (cache_ > 0) {
    cached = cache_ * (cache_is_linear_ ? std::min(1.0, age / (3 * cache_tau_ms_))
                                        : 1 - std::exp(-age / cache_tau_ms_));
  }
  if (leak_per_ms_ > 0 && at_ >= truth_.onset) {
    leaked_ += leak_per_ms_ * dt * (family_ == HeapFamily::load_leak ? load : 1);
  }
  return std::max(0.02, base_ + per_load_ * load + step_ + noise_ + cached + leaked_);
}

/// What a G1 does in one scrape interval, young collections counted and old ones seen by their
/// effect.
void HeapSeries::collect(double load) {
  const auto dt = static_cast<double>(scrape_ms_);
  const double live_data = live(load);
  eden_ += allocation_per_ms_ * load * dt;
  const double room = std::clamp(1 - live_data - garbage_ - 0.05, 0.02, eden_max_);
  const double collections = std::floor(eden_ / room);
  eden_ -= collections * room;
  counters_.young_collections += collections;
  if (mixed_left_ > 0 && collections > 0) {
    const double now = std::min(mixed_left_, collections);
    garbage_ = waste_ + (garbage_ - waste_) * (1 - now / mixed_left_);
    mixed_left_ -= now;
  } else {
    garbage_ += collections * room * promoted_;
    const bool worth_it = garbage_ > std::max(waste_, 0.05);
    if (live_data + garbage_ > ihop_ && worth_it) mixed_left_ = kMixedCollections;
  }
  if (live_data + garbage_ + eden_ > kFull) {
    counters_.full_collections += 1;
    garbage_ = 0;
    mixed_left_ = 0;
    eden_ = std::min(eden_, std::max(0.0, kFull - live_data) * uniform(0, 1));
  }
  if (live_data >= kFull && !truth_.exhausted_at) truth_.exhausted_at = at_;
  counters_.cpu_ns += (0.05 + 0.4 * load * uniform(0.95, 1.05)) * dt * 1e6 + collections * 2e7;
  counters_.classes_loaded = 9000;
  counters_.used = std::min(1.0, live_data + garbage_ + eden_) * truth_.limit;
}

void HeapSeries::restart() {
  started_ = at_;
  leaked_ = garbage_ = eden_ = mixed_left_ = 0;
  counters_ = {};
}

bool HeapSeries::is_missing() {
  if (family_ != HeapFamily::gaps) return false;
  return at_ < gap_until_ || uniform(0, 1) < 0.01;
}

std::optional<HeapSample> HeapSeries::next() {
  while (true) {
    at_ += scrape_ms_;
    const bool dies = truth_.exhausted_at && family_ != HeapFamily::restarted_leak;
    if (at_ >= end_ || dies) return std::nullopt;
    if (every_ > 0 && at_ >= next_event_) {
      const double again =
          family_ == HeapFamily::restarted_leak ? uniform(0.9, 1.1) : uniform(0.3, 1.7);
      next_event_ = at_ + static_cast<DurationMs>(again * static_cast<double>(every_));
      if (family_ == HeapFamily::deployments) step_ = uniform(-0.05, 0.08);
      if (family_ == HeapFamily::gaps)
        gap_until_ = at_ + static_cast<DurationMs>(log_uniform(1, 720) * kMinuteMs);
      if (family_ == HeapFamily::restarts || family_ == HeapFamily::restarted_leak) restart();
    }
    if (truth_.exhausted_at && family_ == HeapFamily::restarted_leak) {
      restart();
      truth_.exhausted_at.reset();
    }
    collect(load());
    if (is_missing()) continue;
    counters_.at = at_;
    return counters_;
  }
}

}  // namespace doctor::detection
