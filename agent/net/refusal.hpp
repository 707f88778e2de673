// Answers that only say how to ask differently: elsewhere (redirects), or with credentials (401,
// 403, 407). What they mean for the configuration, in one line.
#pragma once

#include <optional>

#include "agent/net/response_head.hpp"
#include "collectors/http.hpp"
#include "model/result.hpp"

namespace doctor {

/// http_status with what to set; nothing for every other answer. Queries and user info of a
/// redirect's target are left out: they may hold somebody's session.
std::optional<Error> refusal(const Endpoint& endpoint, const ResponseHead& head);

}  // namespace doctor
