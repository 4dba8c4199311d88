# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# A zone that is too small for the registry: what fits is served, what does not
# may be there and is 503, and all of it is told.

use TLSRPT::Test;
use TLSRPT::Registry qw(enrol write_record token_of);

my $PATH = '/.well-known/mta-sts.txt';
my $COUNT = 600;

my $t = servers(redis => 1, nginx => 0, http => <<'END', server => <<"END");
    tlsrpt_redis %%REDIS%%;
    tlsrpt_registry on zone=reg:%%SIZE%%;
    mta_sts_policy static.example mode=testing max_age=7d mx=mx.static.example;
END
        location = $PATH { mta_sts; }
        location /v1/tlsrpt { tlsrpt_collect; }
        location /tlsrpt/ { tlsrpt_stats; }
END

my $http = $t->{http};

sub sized { my ($size) = @_; ($t->{http} = $http) =~ s/%%SIZE%%/$size/; return }
sub status { return $t->get($PATH, host => "mta-sts.$_[0]")->{status} }
sub soon { my ($check) = @_; return TLSRPT::Server::wait_until(60, $check) }
sub health { return $t->get('/tlsrpt/health')->{json} }

sub metric {
    my ($name) = @_;
    my ($value) = $t->get('/tlsrpt/metrics')->{body} =~ /^\Q$name\E (\S+)$/m;
    return $value;
}

enrol($t, "d$_.example") for 1 .. $COUNT;

sized('128k');
$t->start_nginx;
ok soon(sub { health()->{registry} }), 'loaded, as far as it fits';
is_deeply health()->{'zone-full'}, JSON::PP::true, 'health: it does not';
is $t->get('/tlsrpt/health')->{status}, 200, 'but the node works';
is metric('tlsrpt_registry_full'), 1, 'metrics';
is status('d1.example'), 200, 'what fits is served';
is status("d$COUNT.example"), 503, 'what does not is not refused for good';
is status('nobody.example'), 503, 'nor what may be there';
is status('static.example'), 200, 'the configuration is served';
is $t->post('/v1/tlsrpt/' . token_of("d$COUNT.example"),
            encode_json(report(domain => "d$COUNT.example")))->{status}, 503,
    'nor are reports refused';

my $domains = metric('tlsrpt_registry_domains{state="active"}');
cmp_ok $domains, '<', $COUNT, "$domains of $COUNT domains";
cmp_ok $domains, '>', 50, 'and more than a few';
my @alerts = $t->error_log =~ /\[alert\].*is too small for/g;
is scalar @alerts, 1, 'one alert';
$t->wants_alerts(qr/\[alert\].*zone of "tlsrpt_registry", 131072 bytes, is too/);

# A reload with a larger one

sized('1m');
$t->write_file('nginx.conf', $t->nginx_conf);
$t->reload;
ok soon(sub { status("d$COUNT.example") == 200 }), 'a larger zone';
ok soon(sub { health()->{registry} }), 'is loaded';
is_deeply health()->{'zone-full'}, JSON::PP::false, 'and not full';
is status('nobody.example'), 404, 'and it is known who is not there';
is metric('tlsrpt_registry_domains{state="active"}'), $COUNT, 'all of them';

# Policies that are the same lie there once.

my $before = metric('tlsrpt_registry_zone_bytes{state="used"}');
enrol($t, "s$_.example", mx => [map { "mx$_.shared.example" } 1 .. 40])
    for 1 .. 500;
ok soon(sub { status('s500.example') == 200 }), '500 with one long policy';
my $each = (metric('tlsrpt_registry_zone_bytes{state="used"}') - $before) / 500;
cmp_ok $each, '<', 400, "each takes $each bytes";

# All are taken away again, and the memory is there.

my $used = metric('tlsrpt_registry_zone_bytes{state="used"}');
write_record($t, "s$_.example", { left => time }) for 1 .. 500;
ok soon(sub { metric('tlsrpt_registry_domains{state="active"}') == $COUNT }),
    'they leave';
cmp_ok metric('tlsrpt_registry_zone_bytes{state="used"}'), '<=',
    $before + 8192, 'and leave no memory behind';

done_testing;
