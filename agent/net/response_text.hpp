// The head of every answer, with the headers that keep a browser from doing anything clever.
#pragma once

#include <string>
#include <string_view>

#include "agent/net/server.hpp"

namespace doctor {

/// Status line, headers and the empty line. `body_bytes` also for HEAD, which then sends no body.
std::string response_head(int status, std::string_view content_type, std::size_t body_bytes,
                          bool keep_alive);

/// A short text for an answer without a handler. Repeats nothing of the request.
InboundResponse plain_response(int status);

std::string_view reason_phrase(int status);

}  // namespace doctor
