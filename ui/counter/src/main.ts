import '@jumin/shared/styles/base.css'
import './app.css'
import { startMessages, startTheme } from '@jumin/shared'
import { mount } from 'svelte'
import App from './App.svelte'
import Customer from './customer/Customer.svelte'
import { loadPreferences } from './desk/preferences'
import en from './messages/en.json'
import ko from './messages/ko.json'

const preferences = loadPreferences()
startTheme(preferences.theme)
startMessages({ ko, en }, preferences.language)

const target = document.getElementById('app')!
const pair = /^#customer\/([\w-]{1,64})$/.exec(location.hash)?.[1]
if (pair) mount(Customer, { target, props: { pair } })
else mount(App, { target })
