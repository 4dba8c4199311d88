# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# Where tlsrpt_stats and tlsrpt_collect stand: exact locations, and requests
# that a rewrite sent there.

use TLSRPT::Test;

my $t = servers(redis => 1, http => <<'END', server => <<'END');
    tlsrpt_redis %%REDIS%%;
    tlsrpt_domain example.com;
    tlsrpt_domain token.example token=demo;
END
        location /v1/tlsrpt { tlsrpt_collect; }

        location /tlsrpt/ {
            tlsrpt_scope $tenant;
            tlsrpt_stats;
        }

        set $tenant '';
        rewrite ^/in/(.*)$ /v1/tlsrpt/$1 last;

        location ~ ^/of/(?<name>[^/]+)/(?<rest>.*)$ {
            set $tenant $name;
            rewrite ^ /tlsrpt/$rest last;
        }

        location /out/ {
            rewrite ^/out/(.*)$ /$1 break;
            tlsrpt_collect;
        }

        location /outside/ {
            rewrite ^/outside/(.*)$ /$1 break;
            tlsrpt_stats;
        }
END

# Exact locations

my ($good, $said) = $t->nginx_test(server => <<'END');
        location = /tlsrpt { tlsrpt_stats; }
END
ok !$good, 'tlsrpt_stats in an exact location';
like $said, qr/"tlsrpt_stats" directive needs a location .* in \S+:\d+/,
    'nginx -t says what it needs';

# Sent there from another place

my $report = report(domain => 'token.example');
is $t->post('/in/demo', encode_json($report))->{status}, 201,
    'a token by a rewrite';
is $t->post('/in/omed', encode_json($report))->{status}, 404, 'a wrong one';
is $t->post('/in/', encode_json(report()))->{status}, 201, 'without';
is $t->post('/v1/tlsrptxdemo', encode_json($report))->{status}, 404,
    'a path that begins like the location is not below it';

my @domains = map { $_->{domain} }
    @{ $t->get('/of/token.example/domains')->{json}{domains} };
is_deeply \@domains, ['token.example'], 'a scope by a rewrite';
is $t->get('/of/token.example/domains/example.com')->{status}, 404,
    'and nothing beside it';
is_deeply $t->get('/tlsrpt/domains')->{json}{domains}, [],
    'without one nothing is seen';

# Changed within the location, to what is not below it

is $t->post('/out/v1/demo', encode_json($report))->{status}, 404,
    'nothing is read out of another path: no token';
is $t->post('/out/x', encode_json(report('report-id' => 'out')))->{status}, 404,
    'and not as if there were none';
like $t->error_log, qr{"/v1/demo" was rewritten to .* location "/out/"},
    'the log says why';
is $t->get('/outside/domains')->{status}, 404, 'no resource either';
like $t->error_log, qr{"/domains" was rewritten to .* location "/outside/"},
    'the log says why';

done_testing;
