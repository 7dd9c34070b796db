//! A farm whose Manager is a stand-in for one release of Flamenco, reached through the client.

use super::local_farm::LocalFarm;
use super::server::Server;
use super::server::flamenco::{Release, StandIn};
use super::test_farm::{Scene, TestFarm};
use farm::manager::{Flamenco, Manager};
use farm::sys::http::Access;
use std::path::PathBuf;
use std::sync::Arc;

/// The client, the stand-in, and the local manager behind it.
pub(crate) struct FlamencoFarm {
    release: Release,
    local: LocalFarm,
    stand_in: Arc<StandIn>,
    server: Server,
    manager: Flamenco,
}

impl FlamencoFarm {
    /// A farm of this release with an empty queue.
    pub(crate) fn new(release: Release) -> Self {
        FlamencoFarm::with(release, |stand_in| stand_in)
    }

    /// The same with a stand-in as `adapt` leaves it.
    pub(crate) fn with(release: Release, adapt: impl FnOnce(StandIn) -> StandIn) -> Self {
        let local = LocalFarm::new();
        let stand_in = adapt(StandIn::new(release, local.shared(), local.root().to_owned()));
        let stand_in = Arc::new(stand_in);
        let server = Server::new(Arc::clone(&stand_in));
        let manager = Flamenco::new(&server.url(), &Access::default()).unwrap();
        FlamencoFarm { release, local, stand_in, server, manager }
    }

    /// The server that it is reached through.
    pub(crate) fn server(&self) -> &Server {
        &self.server
    }

    /// The Manager itself.
    pub(crate) fn stand_in(&self) -> &StandIn {
        &self.stand_in
    }

    /// The queue behind it.
    pub(crate) fn local(&self) -> &LocalFarm {
        &self.local
    }
}

impl TestFarm for FlamencoFarm {
    fn manager(&self) -> &dyn Manager {
        &self.manager
    }

    fn scene(&self, scene: Scene) -> PathBuf {
        self.local.scene(scene)
    }

    fn output(&self) -> PathBuf {
        self.local.output()
    }

    fn work(&self) {
        self.local.work();
    }

    fn while_working(&self, body: &mut dyn FnMut()) {
        self.local.while_working(body);
    }

    fn renderers(&self) -> usize {
        self.local.renderers()
    }

    fn can_pause(&self) -> bool {
        self.release.can_pause()
    }
}
