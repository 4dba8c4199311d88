/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include "ngx_http_tlsrpt_counters.h"
#include "ngx_http_tlsrpt_metrics_host.h"
#include "ngx_http_tlsrpt_registry.h"
#include "tlsrpt_version.h"


static void ngx_http_tlsrpt_metrics_registry(tlsrpt_metrics_t *metrics);


void
ngx_http_tlsrpt_metrics_host(tlsrpt_metrics_t *metrics, ngx_uint_t nomitted)
{
    double                       queue;
    ngx_uint_t                   i;
    ngx_http_tlsrpt_counters_t  *c;

    tlsrpt_metric_t  build = {
        "tlsrpt_build_info", "The version of the module that answers.",
        "gauge", "version", tlsrpt_release, 1
    };

    tlsrpt_metrics_host(metrics, &build);

    c = ngx_http_tlsrpt_counters;

    for (i = 0; i < NGX_HTTP_TLSRPT_NSTATUS; i++) {
        tlsrpt_metric_t  status = {
            "tlsrpt_collect_requests_total",
            "POST requests of reports, by what became of them.",
            "counter", "status", (char *) ngx_http_tlsrpt_statuses[i].data,
            (double) c->collect[i]
        };

        tlsrpt_metrics_host(metrics, &status);
    }

    for (queue = 0, i = 0; i < NGX_HTTP_TLSRPT_MAX_WORKERS; i++) {
        queue += (double) c->queue[i];
    }

    {
    tlsrpt_metric_t  redis[] = {
        { "tlsrpt_redis_commands_total", "Commands that Redis answered.",
          "counter", NULL, NULL, (double) c->commands },
        { "tlsrpt_redis_failures_total", "Commands that Redis did not answer.",
          "counter", NULL, NULL, (double) c->failures },
        { "tlsrpt_redis_wait_seconds_total",
          "Time between commands and their answers, together.",
          "counter", NULL, NULL, (double) c->msec / 1000 },
        { "tlsrpt_redis_queue_commands", "Commands waiting for Redis now.",
          "gauge", NULL, NULL, queue },
        { "tlsrpt_metrics_omitted_domains",
          "Domains over the bound of this page.",
          "gauge", NULL, NULL, (double) nomitted }
    };

    for (i = 0; i < sizeof(redis) / sizeof(redis[0]); i++) {
        tlsrpt_metrics_host(metrics, &redis[i]);
    }
    }

    ngx_http_tlsrpt_metrics_registry(metrics);
}


static void
ngx_http_tlsrpt_metrics_registry(tlsrpt_metrics_t *metrics)
{
    ngx_uint_t                          i;
    ngx_http_tlsrpt_registry_status_t   status;

    if (ngx_http_tlsrpt_registry_status(&status) != NGX_OK) {
        return;
    }

    for (i = 0; i < NGX_HTTP_TLSRPT_NSTATES; i++) {
        tlsrpt_metric_t  domains = {
            "tlsrpt_registry_domains",
            "Domains enrolled at run time, as this nginx knows them.",
            "gauge", "state", (char *) ngx_http_tlsrpt_states[i].data,
            (double) status.domains[i]
        };

        tlsrpt_metrics_host(metrics, &domains);
    }

    tlsrpt_metric_t  zone[] = {
        { "tlsrpt_registry_zone_bytes",
          "Memory of the zone of enrolled domains.",
          "gauge", "state", "used", (double) status.used },
        { "tlsrpt_registry_zone_bytes",
          "Memory of the zone of enrolled domains.",
          "gauge", "state", "free", (double) (status.size - status.used) },
        { "tlsrpt_registry_full", "1: not all of them fit into the zone.",
          "gauge", NULL, NULL, (double) status.full }
    };

    for (i = 0; i < sizeof(zone) / sizeof(zone[0]); i++) {
        tlsrpt_metrics_host(metrics, &zone[i]);
    }
}
