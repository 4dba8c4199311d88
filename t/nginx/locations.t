# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# Where tlsrpt_stats and tlsrpt_collect stand: exact locations, requests that a
# rewrite sent there, blocks within them; and what the page is told of its place.

use TLSRPT::Test;

my $t = servers(redis => 1, http => <<'END', server => <<'END');
    tlsrpt_redis %%REDIS%%;
    tlsrpt_domain example.com;
    tlsrpt_domain token.example token=demo;
    tlsrpt_registry on zone=reg:1m;
    tlsrpt_retention 90d reports=7d;
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

        location /page/ {
            tlsrpt_stats admin=/a&b/mine/;
            if ($http_x_if) { add_header X-Within if; }
        }

        location /mine/ {
            tlsrpt_admin owner=$http_x_user;
            if ($http_x_if) { add_header X-Within if; }
        }
END

# Exact locations

my ($good, $said) = $t->nginx_test(server => <<'END');
        location = /tlsrpt { tlsrpt_stats; }
END
ok !$good, 'tlsrpt_stats in an exact location';
like $said, qr/"tlsrpt_stats" directive needs a location .* in \S+:\d+/,
    'nginx -t says what it needs';

# What the page is told: how long what is kept, and who changes

sub body_of { return ($_[0]{body} =~ /(<body[^>]*>)/)[0] }

my $page = $t->get('/page/');
is body_of($t->get('/tlsrpt/')),
    '<body data-retention="90" data-reports-retention="7">', 'what is kept';
is body_of($page), '<body data-retention="90" data-reports-retention="7"'
    . ' data-admin="/a&amp;b/mine/">', 'and the address of changing';
isnt $page->{headers}{etag}, $t->get('/tlsrpt/')->{headers}{etag},
    'which makes it another page';
require IO::Uncompress::Gunzip;
IO::Uncompress::Gunzip::gunzip(
    \$t->get('/page/', headers => ['Accept-Encoding' => 'gzip'])->{body},
    \my $text);
is $text, $page->{body}, 'zipped, the same';
is $t->get('/page/', headers => ['X-If' => 1])->{body}, $page->{body},
    'in an "if" of the location, too';

for my $bad (['admin=' => 'begins with "/"'], ['admin=admin/' => 'begins with'],
             ['admin=//other.example/' => 'another host'],
             ['admin=/$uri' => 'no variable'], ['admin=/a?b' => 'what a path has'],
             ['"admin=/a b"' => 'what a path has'],
             ['owner=x' => 'invalid parameter "owner=x"'])
{
    my ($parameter, $reason) = @$bad;
    ($good, $said) = $t->nginx_test(
        server => "location /x/ { tlsrpt_stats $parameter; }");
    ok !$good && $said =~ /\Q$reason\E.* in \S+:\d+/, $parameter
        or diag $said;
}

# Blocks within a location are of the same owner

my @JSON = ('Content-Type' => 'application/json', 'X-User' => 'ann');

for my $how ([], ['X-If' => 1]) {
    my $put = $t->request('PUT', '/mine/domains/new.example', body => '{}',
                          headers => [@JSON, @$how]);
    is $put->{json}{owner}, 'ann', "whose it is, @$how";
    is $t->request('GET', '/mine/domains', headers => ['X-User' => 'bob', @$how])
        ->{body}, '{"domains":[],"next":null}', 'no other sees it';
    is $t->request('PUT', '/mine/domains/b.example', body => '{}', headers =>
        ['Content-Type' => 'application/json', @$how])->{status}, 403,
        'nobody has none';
}

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
