// The table, for people and for programs, and the regression gate on it.
#pragma once

#include <iosfwd>
#include <string>

#include "model/result.hpp"
#include "tests/detection/bench.hpp"

namespace doctor::detection {

/// Of every detector's declared parameters, hold and clear times: what a figure belongs to.
std::string constants_hash();

void print_text(const BenchOptions& options, const BenchResult& result, std::ostream& out);
void print_json(const BenchOptions& options, const BenchResult& result, std::ostream& out);

/// The effective ranges of the families, documented, or as --ranges takes them.
void print_ranges(const BenchOptions& options, std::ostream& out);
void print_ranges_json(const BenchOptions& options, std::ostream& out);

/// What the gate compares.
Status write_baseline(const std::string& path, const BenchResult& result);
/// Fails when macro-F1 fell by more than .01, or false pushed alarms rose by more than 20 % and by
/// more than two. Says which.
Status compare_with_baseline(const std::string& path, const BenchResult& result);

}  // namespace doctor::detection
