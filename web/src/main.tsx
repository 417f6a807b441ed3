import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import './styles/tokens.css';
import './styles/base.css';
import './styles/frame.css';
import './styles/pieces.css';
import './styles/overview.css';
import './styles/deployment.css';
import './styles/charts.css';
import './styles/narrow.css';
import './styles/planner.css';
import { App } from './app.tsx';
import { LiveOverview } from './live.ts';

const root = document.querySelector('#root');
if (!root) throw new Error('index.html has no #root');
const live = new LiveOverview();
live.begin();
createRoot(root).render(
  <StrictMode>
    <App live={live} />
  </StrictMode>,
);
