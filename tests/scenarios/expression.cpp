#include "tests/scenarios/expression.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace doctor::scenario {
namespace {

using Term = Expression::Term;

/// "3MiB" per sample, or a rate: "600/s".
std::optional<double> parse_step(std::string_view text, DurationMs every) {
  const std::size_t slash = text.find('/');
  const std::optional<double> step = parse_number(text.substr(0, slash));
  if (slash == std::string_view::npos || !step) return step;
  const std::optional<DurationMs> per = parse_duration("1" + std::string(text.substr(slash + 1)));
  if (!per || *per == 0) return std::nullopt;
  return *step * static_cast<double>(every) / static_cast<double>(*per);
}

/// Where "+step" or "-step" begins; an exponent's sign is none.
std::size_t sign_of_step(std::string_view text) {
  for (std::size_t i = 1; i < text.size(); ++i) {
    if ((text[i] == '+' || text[i] == '-') && text[i - 1] != 'e' && text[i - 1] != 'E') return i;
  }
  return std::string_view::npos;
}

/// How many samples "x20" (20 more), "x5m" (as many as fall into it) or "x*" stand for.
std::optional<std::uint64_t> parse_samples(std::string_view text, bool absent, DurationMs every) {
  if (text == "*") return Expression::kEndless;
  if (const auto duration = parse_duration(text)) {
    if (*duration < every) return std::nullopt;
    return static_cast<std::uint64_t>(*duration / every);
  }
  const std::optional<double> count = parse_number(text);
  if (!count || *count < 0 || *count != std::floor(*count)) return std::nullopt;
  return static_cast<std::uint64_t>(*count) + (absent ? 0 : 1);
}

std::optional<Term> parse_term(std::string_view text, DurationMs every) {
  Term term;
  const std::size_t times = text.rfind('x');
  const std::string_view value = text.substr(0, times);
  const bool absent = value == "_" || value == "-";
  if (times != std::string_view::npos) {
    const auto samples = parse_samples(text.substr(times + 1), absent, every);
    if (!samples) return std::nullopt;
    term.samples = *samples;
  }
  if (absent) return term;
  const std::size_t sign = sign_of_step(value);
  term.start = parse_number(value.substr(0, sign));
  if (!term.start) return std::nullopt;
  if (sign == std::string_view::npos) return term;
  const std::optional<double> step = parse_step(value.substr(sign + 1), every);
  if (!step || times == std::string_view::npos) return std::nullopt;
  term.step = value[sign] == '-' ? -*step : *step;
  return term;
}

double number_word(Words& words, std::string_view what) {
  const std::string text = words.word(what);
  const std::optional<double> number = parse_number(text);
  if (!number) words.fail("\"" + text + "\" is not " + std::string(what));
  return number.value_or(0);
}

/// "10", "10th", "3rd".
std::uint64_t ordinal(Words& words) {
  std::string text = words.word("a count such as 5th");
  while (!text.empty() && text.back() >= 'a' && text.back() <= 'z') text.pop_back();
  const std::optional<double> count = parse_number(text);
  if (!count || *count < 1) words.fail("expected a count such as 5th");
  return static_cast<std::uint64_t>(count.value_or(1));
}

void parse_steps(Words& words, Expression& expression) {
  expression.step = number_word(words, "a step");
  if (!words.accept("per")) words.fail("expected \"per submit\" or \"per restart\"");
  if (!words.peek().empty() && words.peek().front() >= '0' && words.peek().front() <= '9') {
    expression.step_every = ordinal(words);
  }
  const std::string what = words.word("submit or restart");
  if (what.starts_with("submit")) {
    expression.steps = Steps::submits;
  } else if (what.starts_with("restart")) {
    expression.steps = Steps::restarts;
  } else {
    words.fail("steps are per submit or per restart, not per \"" + what + "\"");
  }
  if (!words.accept("every")) return;
  expression.back_every = ordinal(words);
  if (!words.accept("back") || !words.accept("to")) words.fail("expected \"back to VALUE\"");
  expression.back_to = number_word(words, "a value");
}

}  // namespace

Expression parse_expression(Words& words, DurationMs every) {
  Expression expression;
  while (words.has_word()) {
    if (words.accept("noise")) {
      expression.noise = number_word(words, "a noise");
    } else if (words.accept("wave")) {
      expression.wave = number_word(words, "a wave");
      if (!words.accept("over")) words.fail("expected \"wave AMPLITUDE over PERIOD\"");
      expression.wave_period = std::max<DurationMs>(1, words.duration_word("a period"));
    } else if (words.accept("steps")) {
      parse_steps(words, expression);
    } else {
      const std::string text = words.word("a value");
      const std::optional<Term> term = parse_term(text, every);
      if (!term) words.fail("\"" + text + "\" is not a value, value+stepxN, valuexN or _xN");
      expression.terms.push_back(term.value_or(Term{}));
    }
  }
  if (expression.terms.empty()) words.fail("expected values");
  if (expression.steps != Steps::none && expression.terms.size() != 1) {
    words.fail("steps start at one value");
  }
  for (std::size_t i = 0; i + 1 < expression.terms.size(); ++i) {
    if (expression.terms[i].samples == Expression::kEndless) words.fail("x* must be the last term");
  }
  return expression;
}

std::optional<double> value_at(const Expression& expression, const Moment& moment) {
  std::optional<double> value;
  if (expression.steps != Steps::none) {
    std::uint64_t events = expression.steps == Steps::submits ? moment.submits : moment.restarts;
    double level = expression.terms.front().start.value_or(0);
    if (expression.back_every > 0 && events >= expression.back_every) {
      level = expression.back_to;
      events %= expression.back_every;
    }
    const std::uint64_t steps = events / expression.step_every;
    value = level + expression.step * static_cast<double>(steps);
  } else {
    std::uint64_t sample = moment.sample;
    for (const Term& term : expression.terms) {
      if (sample < term.samples) {
        if (term.start) value = *term.start + term.step * static_cast<double>(sample);
        break;
      }
      sample -= term.samples;
    }
  }
  if (!value) return value;
  if (expression.wave_period > 0) {
    const double turns =
        static_cast<double>(moment.at) / static_cast<double>(expression.wave_period);
    *value += expression.wave * std::sin(2 * std::numbers::pi * turns);
  }
  return *value + expression.noise * noise(moment.series, moment.sample);
}

double noise(std::uint64_t series, std::uint64_t sample) {
  // SplitMix64
  std::uint64_t bits = (series * 0x100000001B3U + sample + 1) * 0x9E3779B97F4A7C15U;
  bits = (bits ^ (bits >> 30U)) * 0xBF58476D1CE4E5B9U;
  bits = (bits ^ (bits >> 27U)) * 0x94D049BB133111EBU;
  bits ^= bits >> 31U;
  return static_cast<double>(bits >> 11U) / static_cast<double>(1ULL << 53U) * 2 - 1;
}

}  // namespace doctor::scenario
