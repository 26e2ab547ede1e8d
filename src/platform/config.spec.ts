import { ConfigError, configSummary, loadConfig } from './config.js';

const valid = {
  MONGODB_URL: 'mongodb://user:hunter2@db.example:27017/?replicaSet=rs0',
  TEMPORAL_ADDRESS: '127.0.0.1:7233',
  HOLDFAST_MASTER_KEY: Buffer.alloc(32, 7).toString('base64'),
};

describe('configuration', () => {
  it('lists every wrong variable at once', () => {
    const wrong = () => loadConfig({ MONGODB_URL: 'postgres://x', API_PORT: '70000', LOG_LEVEL: 'loud' });
    expect(wrong).toThrow(ConfigError);
    for (const name of ['MONGODB_URL', 'TEMPORAL_ADDRESS', 'HOLDFAST_MASTER_KEY', 'API_PORT', 'LOG_LEVEL'])
      expect(wrong).toThrow(name);
  });

  it('never repeats the value of a wrong secret', () => {
    expect(() => loadConfig({ ...valid, HOLDFAST_MASTER_KEY: 'c2VjcmV0' })).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('c2VjcmV0') as string }) as Error,
    );
  });

  it('has defaults that refuse plain http and private addresses', () => {
    const config = loadConfig(valid);
    expect(config.WEBHOOK_ALLOW_HTTP).toBe(false);
    expect(config.WEBHOOK_ALLOW_CIDRS).toEqual([]);
    expect(config.WEBHOOK_MAX_PAYLOAD_BYTES).toBe(262_144);
  });

  it('takes ports and a proxy for webhooks, and refuses what is none', () => {
    const proxy = 'http://user:hunter3@proxy.example:3128';
    const config = loadConfig({ ...valid, WEBHOOK_ALLOW_PORTS: '443, 8443', WEBHOOK_PROXY_URL: proxy });
    expect(config.WEBHOOK_ALLOW_PORTS).toEqual([443, 8443]);
    expect(JSON.stringify(configSummary(config))).not.toContain('hunter3');
    expect(() => loadConfig({ ...valid, WEBHOOK_ALLOW_PORTS: '443,x' })).toThrow('WEBHOOK_ALLOW_PORTS');
    expect(() => loadConfig({ ...valid, WEBHOOK_PROXY_URL: 'socks5://proxy' })).toThrow('WEBHOOK_PROXY_URL');
  });

  it('masks secrets and credentials in the start-up summary', () => {
    const text = JSON.stringify(configSummary(loadConfig(valid)));
    expect(text).not.toContain('hunter2');
    expect(text).not.toContain(valid.HOLDFAST_MASTER_KEY);
    expect(text).toContain('mongodb://***@db.example');
  });
});
