// GET /metrics of one endpoint into a parser, for whatever serves such pages.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <string>
#include <utility>

#include "collectors/http.hpp"
#include "collectors/reporter.hpp"

namespace doctor {

/// `Parse` is a BodySink with finish(at, entities, previous) → Result<Scrape>.
template <class Parse>
boost::asio::awaitable<Result<Scrape>> scrape_page(Http& http, Endpoint endpoint, SourceId source,
                                                   const Selection& selection, const Limits& limits,
                                                   EntityTable& entities,
                                                   std::shared_ptr<const Layout> previous,
                                                   TimestampMs (*clock)()) {
  HttpRequest request;
  request.endpoint = std::move(endpoint);
  request.target = "/metrics";
  request.accept_gzip = true;
  const HttpCaps caps{limits.reporter_body_bytes_max, limits.reporter_body_bytes_max,
                      limits.reporter_deadline_ms};
  Parse parse(source, selection, limits);
  const Result<HttpReply> reply = co_await http.exchange(std::move(request), parse, caps);
  if (!reply.ok()) co_return reply.error();
  if (reply->status != 200) {
    co_return Error{ErrorCode::http_status,
                    "answers HTTP " + std::to_string(reply->status) + " to GET /metrics"};
  }
  Result<Scrape> scrape = parse.finish(clock(), entities, previous);
  if (scrape.ok()) scrape->reply = *reply;
  co_return scrape;
}

}  // namespace doctor
