# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

package TLSRPT::World;

# The part of the Internet that a policy domain needs, on loopback: its zone, by
# Knot, asked through a resolver, Unbound; its policy host, by an nginx of its
# own before that with the module; its mail servers, by Postfix; an authority
# that all trust; and an rspamd that checks them.  The time of nginx, rspamd and
# Redis is moved together.
#
#     my $world = TLSRPT::World->new(
#         domains => ['a.example'], check => 'check_dns = "24h";')->start;
#     my $site = $world->site('a.example');
#     $site->{records}{'_smtp._tls'} = [];        # taken out of DNS
#     $site->{mx}[0]{starttls} = 0;
#     $site->{host}{inside} = 'return 302 https://www.a.example/;';
#     $world->publish;
#     $world->later(86400);
#     $world->problems('a.example');
#
# Addresses are of the test's own, ports those of the protocols: it runs as
# root.

use strict;
use warnings;

use Fcntl qw(:flock);
use File::Spec;
use Time::HiRes qw(sleep time);

use TLSRPT::Authority;
use TLSRPT::Knot;
use TLSRPT::Postfix;
use TLSRPT::Rspamd;
use TLSRPT::Server;
use TLSRPT::Unbound;

use constant DAY => 86400;

my $RUA = 'mailto:reports@tlsrpt.provider.example';

# domains   names, each with a zone of its own
# signed    those of them that are signed (DNSSEC)
# ipv6      those whose policy host has ::1, too
# policy    function: a domain's directive mta_sts_policy without the domain
# check     what of tlsrpt.conf is about checking
# networks  that may be asked: all of loopback
# http      more of nginx.conf
# rspamd    more arguments of TLSRPT::Rspamd->new
sub new {
    my ($class, %args) = @_;

    my $self = bless {
        signed => [], ipv6 => [], http => '', rspamd => {}, moved => 0,
        check => 'check_dns = "24h";', networks => '"127.0.0.0/8", "::1"',
        policy => sub { "mode=enforce max_age=7d mx=*.$_[0]" },
        %args,
    }, $class;

    $self->lock_ipv6 if @{ $self->{ipv6} };
    $self->{server} = TLSRPT::Server->new(moves => 1,
        http => $self->http, server => <<'END');
        location /tlsrpt/ { tlsrpt_stats; }
        location /admin/ { tlsrpt_admin; }
        location = /.well-known/mta-sts.txt { mta_sts; }
        location /v1/tlsrpt { tlsrpt_collect; }
END
    chmod 0755, $self->dir;
    $self->{ca} = TLSRPT::Authority->new(dir => $self->dir);
    $self->{dns} = TLSRPT::Knot->new(server => $self->{server},
                                     signed => $self->{signed});
    ($self->{net} = $self->{dns}->address) =~ s/\.\d+$//;
    $self->{last} = 0;
    $self->{sites}{$_} = $self->new_site($_) for @{ $self->{domains} };

    return $self;
}

sub dir { return $_[0]{server}->dir }
sub server { return $_[0]{server} }
sub ca { return $_[0]{ca} }
sub rspamd { return $_[0]{rspamd} }
sub site { return $_[0]{sites}{ $_[1] } // die $_[1] }
sub sites { my ($self) = @_; return map { $self->{sites}{$_} }
                                        @{ $self->{domains} } }

# ::1 is the only address of its kind: one test at a time has it.
sub lock_ipv6 {
    my ($self) = @_;

    my $path = File::Spec->tmpdir . '/tlsrpt-test-ipv6.lock';
    open $self->{lock}, '>>', $path or die "$path: $!";
    flock $self->{lock}, LOCK_EX or die "$path: $!";

    return;
}

# An address that nobody else has.
sub address {
    my ($self) = @_;

    my $nth = $self->{last}++;

    return sprintf '%s.%d', $self->{net} =~ s/^127\.(\d+)\.(\d+)/
        sprintf '127.%d.%d', 210 + int($nth \/ 240), $2/er,
        11 + $nth % 240;
}

sub http {
    my ($self) = @_;

    my $policies = join '', map {
        "    mta_sts_policy $_ " . $self->{policy}->($_) . ";\n"
    } @{ $self->{domains} };

    return <<"END";
    tlsrpt_redis %%REDIS%%;
    tlsrpt_report_uri $RUA;
$policies
$self->{http}
END
}


# A site: a domain with all that belongs to it
#
#     name
#     records   host in the zone => [what stands behind it, ...]
#     mx        [{ host, address, starttls, made }]
#     host      of the policy: { name, address, made, ipv6 (is it listened to),
#               inside (of its location, in place of the policy) }

sub new_site {
    my ($self, $domain) = @_;

    my $policy_host = "mta-sts.$domain";
    my %site = (
        name => $domain,
        mx => [map { $self->new_mx("$_.$domain") } qw(mx1 mx2)],
        host => {
            name => $policy_host, address => $self->address,
            made => $self->{ca}->issue($policy_host, names => [$policy_host]),
            ipv6 => scalar grep { $_ eq $domain } @{ $self->{ipv6} },
        },
    );

    $site{records} = {
        '_smtp._tls' => [qq(TXT "v=TLSRPTv1; rua=$RUA")],
        'mta-sts' => ["A $site{host}{address}",
                      $site{host}{ipv6} ? 'AAAA ::1' : ()],
        '@' => [map { "MX 10 $_->{host}." } @{ $site{mx} }],
    };
    $site{records}{ "$_->{host}." } = ["A $_->{address}"] for @{ $site{mx} };

    return \%site;
}

sub new_mx {
    my ($self, $host) = @_;

    return {
        host => $host, address => $self->address, starttls => 1,
        made => $self->{ca}->issue($host, names => [$host]),
    };
}

# As the domain's record is to be.
sub sts_record {
    my ($self, $domain) = @_;

    my $policy = $self->get("/tlsrpt/domains/$domain/policy");

    return qq(TXT "v=STSv1; id=$policy->{json}{policy}{id};");
}

sub zone_of {
    my ($site) = @_;

    my $records = $site->{records};

    return [map { my $host = $_; map { "$host $_" } @{ $records->{$host} } }
            sort keys %$records];
}

sub policy_hosts {
    my ($self) = @_;

    my $origin = $self->{server}->dir . '/nginx.sock';
    my $dir = $self->dir;
    my $user = $> == 0 ? 'user root;' : '';
    my $servers = join '', map { host_conf($_->{host}, $origin) } $self->sites;

    return <<"END";
$user
daemon off;
pid $dir/policy_host.pid;
error_log $dir/policy_host.log info;
worker_processes 1;
events { worker_connections 512; }
http {
    log_format who '\$host \$status "\$http_user_agent" \$server_addr';
    access_log $dir/policy_host.access who;
    client_body_temp_path $dir/host_body;
    proxy_temp_path $dir/host_proxy;
    fastcgi_temp_path $dir/host_fastcgi;
    uwsgi_temp_path $dir/host_uwsgi;
    scgi_temp_path $dir/host_scgi;
    server { listen 127.0.0.1:%%PORT%%; return 204; }
$servers
}
END
}

sub host_conf {
    my ($host, $origin) = @_;

    return '' if $host->{gone};

    my $ipv6 = $host->{ipv6} ? 'listen [::1]:443 ssl;' : '';
    my $inside = $host->{inside} // '';
    my $proxy = $host->{instead} // "proxy_pass http://unix:$origin:;
            proxy_set_header Host \$host;";

    return <<"END";
    server {
        listen $host->{address}:443 ssl;
        $ipv6
        server_name $host->{name};
        ssl_certificate $host->{made}{chain};
        ssl_certificate_key $host->{made}{key};
        location = /.well-known/mta-sts.txt {
            $inside
            $proxy
        }
    }
END
}

sub mail_servers {
    my ($self) = @_;

    return map { {
        address => $_->{address}, name => $_->{host},
        made => $_->{starttls} ? $_->{made} : undef,
    } } grep { !$_->{gone} } map { @{ $_->{mx} } } $self->sites;
}

# The policies are served first: their ids go into the zones.
sub start {
    my ($self) = @_;

    my $server = $self->{server};
    $server->start_redis;
    $ENV{TLSRPT_CLOCK} = $self->dir . '/clock';
    $server->{preload} = $self->dir . '/clock.so';
    $server->start_nginx;

    $_->{records}{'_mta-sts'} = [$self->sts_record($_->{name})]
        for $self->sites;
    $self->{dns}->zones(map { $_->{name} => zone_of($_) } $self->sites)->start;
    $self->{resolver} = TLSRPT::Unbound->new(server => $server,
                                             dns => $self->{dns})->start;
    $self->{policy_host} = TLSRPT::Server->new(sanitize => 0,
        conf => $self->policy_hosts)->start_nginx;
    $self->{postfix} = TLSRPT::Postfix->new(server => $server,
        mx => [$self->mail_servers])->start;

    return $self->start_rspamd;
}

sub start_rspamd {
    my ($self) = @_;

    $self->{rspamd} = TLSRPT::Rspamd->new($self->{resolver}->for_rspamd,
        server => $self->{server}, milter => 0, controller => '',
        %{ $self->{rspamd} },
        env => {
            LD_PRELOAD => $self->dir . '/clock.so',
            SSL_CERT_FILE => $self->{ca}->root,
        },
        tlsrpt => "check_networks = [$self->{networks}];\n"
            . 'domains = [' . join(',', map { qq("$_") }
                                   @{ $self->{domains} }) . "];\n"
            . $self->{check})->start;

    return $self;
}

# What the sites say now is served from now on.
sub publish {
    my ($self) = @_;

    my $host = $self->{policy_host};

    $self->{dns}->zones(map { $_->{name} => zone_of($_) } $self->sites);
    $self->{postfix}->serve_mx($self->mail_servers);
    $host->{conf} = $self->policy_hosts;
    $host->write_file('nginx.conf', $host->nginx_conf);
    $host->reload;

    return;
}

# So many seconds pass.
sub later {
    my ($self, $seconds) = @_;

    $self->{server}->move_clock($self->{moved} += $seconds);
    sleep 1.2;                  # nginx reads the time at least once a second

    return;
}

sub now { return int(time + $_[0]{moved}) }

sub get {
    my ($self, $path, %more) = @_;

    return $self->{server}->get($path, %more);
}

sub redis { my ($self, @command) = @_; return $self->{server}->redis(@command) }

# What was seen of a domain last; undef where it was not looked at.
sub seen {
    my ($self, $domain) = @_;

    my $text = $self->redis('GET', "tlsrpt:{$domain}:check") // return;

    return JSON::PP->new->utf8->decode($text);
}

# Waits until all of them were looked at, at this time or later.
sub looked {
    my ($self, $since, @domains) = @_;

    @domains = @{ $self->{domains} } if !@domains;

    return TLSRPT::Server::wait_until(40, sub {
        return !grep { (($self->seen($_) || {})->{at} // 0) < $since } @domains;
    });
}

sub problems {
    my ($self, $domain, $query) = @_;

    my $answer = $self->get("/tlsrpt/domains/$domain/problems"
                            . ($query // ''));

    return @{ $answer->{json}{problems} || die $answer->{body} };
}

sub events {
    my ($self, $domain) = @_;

    my $answer = $self->get("/tlsrpt/domains/$domain/events?limit=1000");

    return @{ $answer->{json}{events} || die $answer->{body} };
}

# Ends all; what the logs hold that they must not, '' if nothing.
sub stop {
    my ($self) = @_;

    my $bad = $self->{rspamd}->stop;
    $self->{postfix}->stop;
    $bad .= $self->{policy_host}->stop_nginx;
    $self->{resolver}->stop;
    $self->{dns}->stop;

    return $bad . $self->{server}->stop;
}

1;
