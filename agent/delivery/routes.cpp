#include "agent/delivery/routes.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <mutex>

#include "agent/delivery/document.hpp"
#include "agent/delivery/grafana_api.hpp"
#include "agent/delivery/metrics_page.hpp"
#include "agent/delivery/report.hpp"

namespace doctor {
namespace {

constexpr const char* kText = "text/plain; charset=utf-8";
constexpr const char* kJson = "application/json; charset=utf-8";
constexpr const char* kMetrics = "text/plain; version=0.0.4; charset=utf-8";
constexpr DurationMs kMetricsAgeMaxMs = kSecondMs;  // a flood of readers shares one page

InboundResponse response(int status, const char* content_type, std::string body) {
  return {status, content_type, std::make_shared<const std::string>(std::move(body))};
}

InboundResponse json_response(ApiAnswer answer) {
  return response(answer.status, kJson, std::move(answer.body));
}

class Routes {
 public:
  explicit Routes(RoutePorts ports) : ports_(std::move(ports)), started_(ports_.clock()) {}

  InboundResponse handle(const InboundRequest& request);

 private:
  using Render = InboundResponse (Routes::*)(const InboundRequest&, const ViewPtr&);
  struct Route {
    const char* path;
    Render render;
    bool post;
    const char* what;
  };
  static const std::array<Route, 10> kRoutes;

  static std::string index();
  /// `make` is called once per View.
  template <class Make>
  InboundResponse cached(const std::string& key, const ViewPtr& view, Make make);

  InboundResponse root(const InboundRequest& request, const ViewPtr& view);
  InboundResponse metrics(const InboundRequest& request, const ViewPtr& view);
  InboundResponse healthy(const InboundRequest& request, const ViewPtr& view);
  InboundResponse ready(const InboundRequest& request, const ViewPtr& view);
  InboundResponse findings(const InboundRequest& request, const ViewPtr& view);
  InboundResponse buildinfo(const InboundRequest& request, const ViewPtr& view);
  InboundResponse rules(const InboundRequest& request, const ViewPtr& view);
  InboundResponse alerts(const InboundRequest& request, const ViewPtr& view);
  InboundResponse query(const InboundRequest& request, const ViewPtr& view);
  InboundResponse labels(const InboundRequest& request, const ViewPtr& view);

  RoutePorts ports_;
  TimestampMs started_;
  std::mutex mutex_;
  ViewPtr cached_view_;
  std::map<std::string, InboundResponse> cache_;
  InboundResponse metrics_page_;
  TimestampMs metrics_at_{0};
  bool metrics_had_view_{false};
};

const std::array<Routes::Route, 10> Routes::kRoutes{{
    {"/", &Routes::root, false, "this report"},
    {"/metrics", &Routes::metrics, false,
     "findings, Flink's series and own health, for Prometheus"},
    {"/api/v1/findings", &Routes::findings, false, "findings as JSON"},
    {"/-/healthy", &Routes::healthy, false, "200 while the agent judges"},
    {"/-/ready", &Routes::ready, false, "200 after the first judgement"},
    {"/api/v1/rules", &Routes::rules, false, "detectors as alerting rules, for Grafana"},
    {"/api/v1/alerts", &Routes::alerts, false, "findings as alerts, for Grafana"},
    {"/api/v1/status/buildinfo", &Routes::buildinfo, false, "for Grafana"},
    {"/api/v1/query", &Routes::query, true, "1+1 only, for Grafana"},
    {"/api/v1/labels", &Routes::labels, true, "for Grafana"},
}};

InboundResponse Routes::handle(const InboundRequest& request) {
  for (const Route& route : kRoutes) {
    if (request.path != route.path) continue;
    if (request.method == "POST" && !route.post) {
      return response(405, kText, "This route answers GET only.\n");
    }
    return (this->*route.render)(request, ports_.views->read());
  }
  return response(404, kText, "Nothing is here.\n\n" + index());
}

std::string Routes::index() {
  std::string text = "Routes\n";
  for (const Route& route : kRoutes) {
    std::string path = route.path;
    path.resize(26, ' ');
    text += "  " + path + route.what + "\n";
  }
  return text;
}

template <class Make>
InboundResponse Routes::cached(const std::string& key, const ViewPtr& view, Make make) {
  const std::scoped_lock lock(mutex_);
  if (view != cached_view_) {
    cache_.clear();
    cached_view_ = view;
  }
  const auto known = cache_.find(key);
  if (known != cache_.end()) return known->second;
  return cache_.emplace(key, make()).first->second;
}

InboundResponse Routes::root(const InboundRequest&, const ViewPtr& view) {
  return cached("root", view, [&] {
    const std::string report =
        view ? text_report(*view, {false, 100}) : std::string("No judgement yet.\n\n");
    return response(200, kText, report + index());
  });
}

InboundResponse Routes::metrics(const InboundRequest&, const ViewPtr& view) {
  const TimestampMs now = ports_.clock();
  const std::scoped_lock lock(mutex_);
  const bool fresh = now >= metrics_at_ && now - metrics_at_ < kMetricsAgeMaxMs &&
                     metrics_had_view_ == (view != nullptr);
  if (metrics_page_.body && fresh) return metrics_page_;
  MetricsInput input;
  input.view = view.get();
  input.version = ports_.version;
  if (ports_.notifiers != nullptr) input.members = ports_.notifiers->read();
  input.process = read_process_stats();
  metrics_page_ = response(200, kMetrics, metrics_page(input));
  metrics_at_ = now;
  metrics_had_view_ = view != nullptr;
  return metrics_page_;
}

InboundResponse Routes::healthy(const InboundRequest&, const ViewPtr& view) {
  const TimestampMs last =
      view ? std::max(view->generated_at, view->agent.last_judgement) : started_;
  if (ports_.clock() - last <= kJudgementAgeMaxMs) return response(200, kText, "healthy\n");
  return response(503, kText, "The last judgement is more than five minutes old.\n");
}

InboundResponse Routes::ready(const InboundRequest&, const ViewPtr& view) {
  if (view) return response(200, kText, "ready\n");
  return response(503, kText, "No judgement yet.\n");
}

InboundResponse Routes::findings(const InboundRequest&, const ViewPtr& view) {
  if (!view) return response(503, kJson, "{\"error\": \"no judgement yet\"}\n");
  return cached("findings", view, [&] { return response(200, kJson, findings_document(*view)); });
}

InboundResponse Routes::buildinfo(const InboundRequest&, const ViewPtr&) {
  return json_response(prometheus_buildinfo(ports_.version));
}

InboundResponse Routes::rules(const InboundRequest& request, const ViewPtr& view) {
  const std::string type = query_parameter(request.query, "type");
  if (!type.empty() && type != "alert") {  // rare: not worth a place in the cache
    return json_response(prometheus_rules(view ? *view : View{}, request.query));
  }
  return cached("rules", view,
                [&] { return json_response(prometheus_rules(view ? *view : View{}, "")); });
}

InboundResponse Routes::alerts(const InboundRequest&, const ViewPtr& view) {
  return cached("alerts", view,
                [&] { return json_response(prometheus_alerts(view ? *view : View{})); });
}

InboundResponse Routes::query(const InboundRequest& request, const ViewPtr&) {
  const bool form = request.method == "POST" && !request.body.empty();
  return json_response(prometheus_query(form ? request.body : request.query, ports_.clock()));
}

InboundResponse Routes::labels(const InboundRequest&, const ViewPtr&) {
  return json_response(prometheus_labels());
}

}  // namespace

InboundHandler make_routes(RoutePorts ports) {
  auto routes = std::make_shared<Routes>(std::move(ports));
  return [routes](const InboundRequest& request) { return routes->handle(request); };
}

}  // namespace doctor
