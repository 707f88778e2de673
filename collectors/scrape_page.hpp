// GET of one endpoint's page of metrics into a parser, for whatever serves such pages.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>
#include <utility>

#include "collectors/http.hpp"
#include "model/limits.hpp"

namespace doctor {

/// Ends well only for 200 and a body that ended well: then what `parse` staged may be committed.
inline boost::asio::awaitable<Result<HttpReply>> get_page(Http& http, Endpoint endpoint,
                                                          BodySink& parse, const Limits& limits,
                                                          std::string path = "/metrics") {
  HttpRequest request;
  request.endpoint = std::move(endpoint);
  request.target = path;
  request.accept_gzip = limits.scrapes_gzip;
  const HttpCaps caps{limits.reporter_body_bytes_max, limits.reporter_body_bytes_max,
                      limits.reporter_deadline_ms};
  Result<HttpReply> reply = co_await http.exchange(std::move(request), parse, caps);
  if (reply.ok() && reply->status != 200) {
    co_return Error{ErrorCode::http_status,
                    "answers HTTP " + std::to_string(reply->status) + " to GET " + path};
  }
  co_return reply;
}

}  // namespace doctor
