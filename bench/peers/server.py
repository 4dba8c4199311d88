# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# The peer in Python: aiohttp, gzip, json and redis-py, behind nginx's
# proxy_pass, reading as parsedmarc does.
#
# Usage: python3 server.py SOCKET REDIS SCRIPT
#
# Checks that members are there, and that counts and dates are some; not UTF-8
# beyond what Python does, doubled names, host names or addresses.

import asyncio
import gzip
import hashlib
import json
import sys
import zlib
from datetime import datetime

import redis.asyncio
from aiohttp import web

SOCKET, REDIS, SCRIPT = sys.argv[1:4]
KEEP = 400 * 86400


def parse_detail(detail):
    return {
        "result_type": detail["result-type"],
        "failed_session_count": int(detail.get("failed-session-count", 1)),
        "sending_mta_ip": detail.get("sending-mta-ip", ""),
        "receiving_mx_hostname": detail.get("receiving-mx-hostname", ""),
        "receiving_ip": detail.get("receiving-ip", ""),
        "failure_reason_code": detail.get("failure-reason-code", ""),
    }


def parse_policy(item):
    policy, summary = item["policy"], item["summary"]

    return {
        "policy_domain": policy["policy-domain"].lower(),
        "policy_type": policy["policy-type"],
        "policy_strings": policy.get("policy-string", []),
        "mx_host_patterns": policy.get("mx-host", []),
        "successful": int(summary["total-successful-session-count"]),
        "failed": int(summary.get("total-failure-session-count", 0)),
        "failure_details": [parse_detail(d)
                            for d in item.get("failure-details", [])],
    }


def parse_report(body):
    report = json.loads(gzip.decompress(body))
    dates = report["date-range"]

    return {
        "organization_name": report["organization-name"],
        "report_id": report["report-id"],
        "begin": datetime.strptime(dates["start-datetime"],
                                   "%Y-%m-%dT%H:%M:%SZ"),
        "end": datetime.strptime(dates["end-datetime"], "%Y-%m-%dT%H:%M:%SZ"),
        "policies": [parse_policy(item) for item in report["policies"]],
    }


def fold(report):
    domains = {}

    for policy in report["policies"]:
        kind = report["organization_name"] + "|" + policy["policy_type"]
        args = domains.setdefault(policy["policy_domain"], ["reports", 1])
        args += ["s|" + kind, policy["successful"],
                 "f|" + kind, policy["failed"]]

        for d in policy["failure_details"]:
            args += ["|".join(("d", kind, d["result_type"],
                               d["sending_mta_ip"],
                               d["receiving_mx_hostname"], d["receiving_ip"],
                               d["failure_reason_code"])),
                     d["failed_session_count"]]

    return domains


async def collect(request):
    try:
        report = parse_report(await request.read())
    except (OSError, EOFError, zlib.error, ValueError) as error:
        return web.json_response({"title": str(error)}, status=400)
    except (KeyError, TypeError, AttributeError) as error:
        return web.json_response({"title": str(error)}, status=422)

    count = request.app["count"]
    date = report["begin"].strftime("%Y-%m-%d")
    stored = False
    domains = fold(report)

    for domain, args in domains.items():
        key = "peer:{%s}:%s" % (domain, date)
        name = "\0".join((report["organization_name"], report["report_id"],
                          domain, date))
        digest = hashlib.sha1(name.encode()).digest()
        stored |= bool(await count(keys=[key + ":ids", key],
                                   args=[digest, KEEP] + args))

    return web.json_response({
        "status": "stored" if stored else "duplicate",
        "report-id": report["report_id"],
        "policy-domains": list(domains),
    }, status=201 if stored else 200)


async def make_app():
    app = web.Application()
    client = redis.asyncio.Redis(unix_socket_path=REDIS)

    with open(SCRIPT, encoding="utf-8") as file:
        app["count"] = client.register_script(file.read())

    app.router.add_post("/{any:.*}", collect)

    return app


if __name__ == "__main__":
    web.run_app(make_app(), path=SOCKET, access_log=None, print=None)
