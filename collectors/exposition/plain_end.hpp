// Where a label's value ends, when it is one of plain ASCII without escapes: most are.
#pragma once

namespace doctor::exposition {

/// The quote that ends it; null when the value is not plain, or has no end before `end`.
using PlainEnd = const char* (*)(const char* at, const char* end);

/// Eight bytes at a time, on any machine.
const char* portable_plain_end(const char* at, const char* end);

/// The fastest that this machine has: with SSE2 sixteen bytes at a time.
PlainEnd best_plain_end();

}  // namespace doctor::exposition
